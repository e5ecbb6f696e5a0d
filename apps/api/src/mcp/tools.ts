import type { McpServer, StandardSchemaWithJSON, ToolAnnotations } from "@modelcontextprotocol/server";
import { projectIdSchema } from "@stagefold/core";
import { z } from "zod";
import { inputSchemaOf, procedureOf } from "../http/rest/inputs.ts";
import type { RestProcedure } from "../http/rest/table.ts";
import { MAX_ANSWER_BYTES, toolAnswer, toolRefusal } from "./answer.ts";
import type { McpBackend } from "./backend.ts";

interface Tool {
  readonly procedure: RestProcedure;
  readonly title: string;
  readonly description: string;
  /** Of what changes something; what only reads says so by its procedure. */
  readonly hints?: ToolAnnotations;
}

const CHANGES = { destructiveHint: false, idempotentHint: true };

/** The tools that are one procedure each, with its schema. */
const TOOLS: Readonly<Record<string, Tool>> = {
  list_pipelines: {
    procedure: "pipelines.list",
    title: "List pipelines",
    description: "The pipelines that builds can be made with, and their stages.",
  },
  list_builds: {
    procedure: "projects.list",
    title: "List builds",
    description: "Builds, newest first, filtered by status, pipeline, user, tag or text.",
  },
  get_build: {
    procedure: "projects.get",
    title: "Get a build",
    description: "Everything about a build: its state, its stages, what they returned, why it failed.",
  },
  get_stage: {
    procedure: "stages.get",
    title: "Get a stage",
    description: "One stage of a build with all its attempts.",
  },
  create_build: {
    procedure: "projects.create",
    title: "Create a build",
    description:
      "Starts a build of a requirement. Give an idempotency_key, so that a repeat does not make a second one.",
    hints: { destructiveHint: false, idempotentHint: false },
  },
  read_log: {
    procedure: "stages.logs",
    title: "Read a log",
    description: "The lines of a stage's log, oldest first, of its present attempt or of another one.",
  },
  list_artifacts: {
    procedure: "artifacts.listByProject",
    title: "List artifacts",
    description: "The files that a build has made, or one stage of it.",
  },
  pause_build: {
    procedure: "projects.pause",
    title: "Pause a build",
    description: "No further stage is started until it is resumed.",
    hints: CHANGES,
  },
  resume_build: {
    procedure: "projects.resume",
    title: "Resume a build",
    description: "Continues a build that was paused.",
    hints: CHANGES,
  },
  cancel_build: {
    procedure: "projects.cancel",
    title: "Cancel a build",
    description: "Ends a build; the stage that runs is stopped, and its work is lost.",
    hints: { destructiveHint: true, idempotentHint: true },
  },
  retry_build: {
    procedure: "projects.retry",
    title: "Retry a build",
    description: "Runs a build that has ended again, from its first unfinished stage or from a named one.",
    hints: { destructiveHint: true, idempotentHint: false },
  },
  answer_gate: {
    procedure: "projects.answer",
    title: "Answer a gate",
    description:
      "Answers the question that a build waits with. get_build shows it in `waiting`, with the schema of the answer.",
    hints: { destructiveHint: false, idempotentHint: false },
  },
  list_agents: {
    procedure: "agents.list",
    title: "List agents",
    description: "The agents that builds have made, filtered by status, category, user, tag or text.",
  },
  get_agent: {
    procedure: "agents.get",
    title: "Get an agent",
    description: "Everything about an agent: its versions, the tools of each, its settings.",
  },
  ask_agent: {
    procedure: "agents.invoke",
    title: "Ask an agent",
    description:
      "Asks an agent one question and waits for the answer, wait_seconds at most, 60 unless given. Give an " +
      "invocation_key: with the same key a call that is still running is waited for again, not made twice.",
    // Its model and its tools may reach beyond Stagefold.
    hints: { destructiveHint: false, idempotentHint: false, openWorldHint: true },
  },
};

const MAX_WAIT_SECONDS = 600;

const waitSchema = z.strictObject({
  project_id: projectIdSchema,
  timeout_seconds: z.number().int().min(1).max(MAX_WAIT_SECONDS).default(120),
});
const artifactSchema = z.strictObject({
  project_id: projectIdSchema,
  path: z.string(),
  stage: z.string().optional(),
  attempt: z.number().int().min(1).optional(),
});

/** Adds the tools to a server. */
export function addTools(server: McpServer, backend: McpBackend): void {
  for (const [name, { procedure, title, description, hints }] of Object.entries(TOOLS)) {
    const readOnlyHint = procedureOf(procedure).type === "query";
    const annotations = { openWorldHint: false, ...hints, readOnlyHint };
    const inputSchema = unchecked(inputSchemaOf(procedure));
    server.registerTool(name, { title, description, annotations, inputSchema }, (input) =>
      answered(() => backend.call(procedure, Object(input))),
    );
  }
  const reads = { readOnlyHint: true, openWorldHint: false };
  server.registerTool(
    "wait_for_build",
    {
      title: "Wait for a build",
      description:
        "Waits until a build has ended or asks something, up to timeout_seconds, and gives it as it is then.",
      annotations: reads,
      inputSchema: waitSchema,
    },
    (input, ctx) => answered(() => waitForBuild(backend, input, ctx.mcpReq.signal)),
  );
  server.registerTool(
    "read_artifact",
    {
      title: "Read an artifact",
      description: `The text of a file that a build has made, up to ${MAX_ANSWER_BYTES} bytes; of another kind of file its size and type.`,
      annotations: reads,
      inputSchema: artifactSchema,
    },
    (input) => answered(() => readArtifact(backend, input)),
  );
}

async function answered(work: () => Promise<unknown>) {
  try {
    return toolAnswer(await work());
  } catch (error) {
    return toolRefusal(error);
  }
}

/** The procedure checks its input itself, and says in our words what is wrong with it. */
function unchecked(schema: object): StandardSchemaWithJSON {
  const json = { type: "object", ...schema };
  return {
    "~standard": {
      version: 1,
      vendor: "stagefold",
      validate: (value) => ({ value }),
      jsonSchema: { input: () => json, output: () => json },
    },
  };
}

const isOver = (status: unknown) => ["completed", "failed", "cancelled", "waiting"].includes(String(status));

async function waitForBuild(
  backend: McpBackend,
  { project_id, timeout_seconds }: z.output<typeof waitSchema>,
  signal: AbortSignal,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(timeout_seconds * 1000);
  let last: unknown;
  for await (const project of backend.events(
    "projects.watch",
    { project_id },
    AbortSignal.any([signal, timeout]),
  )) {
    last = project;
    if (isOver(Reflect.get(Object(project), "status"))) break;
  }
  return last ?? (await backend.call("projects.get", { project_id }));
}

async function readArtifact(backend: McpBackend, address: z.output<typeof artifactSchema>): Promise<unknown> {
  const { bytes, size, mediaType } = await backend.artifact(address, MAX_ANSWER_BYTES / 2);
  const { path } = address;
  const text = textOf(bytes, bytes.length < size);
  if (text === undefined) return { path, size, media_type: mediaType, text: null };
  return { path, size, media_type: mediaType, text, is_whole: bytes.length === size };
}

/** Undefined where the bytes are no text. */
function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    // With `stream`, half a character at the end of what was cut is left out.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
