import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentBuild } from "@stagefold/agent-build";
import {
  type Agent,
  type AgentVersion,
  type ArtifactStore,
  agentSchema,
  type Block,
  createMemoryFileStores,
  foldEvent,
  type RunEvent,
  type RunOutcome,
  refOf,
  type Turn,
  type TurnFile,
  turnSchema,
} from "@stagefold/core";
import { runPipeline } from "@stagefold/pipeline/testing";
import { type AgentProblem, type AgentRunnerDeps, createAgentRunner } from "../src/index.ts";

export const AT = "2026-01-01T00:00:00.000Z";
const PROJECT = "proj_000000000001";
const SESSION = `sess_${"0a".repeat(16)}`;

export interface Asked {
  readonly text: string;
  readonly files?: readonly TurnFile[];
  readonly history?: readonly Turn[];
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

export interface Answered {
  readonly outcome: RunOutcome;
  readonly blocks: readonly Block[];
  readonly events: readonly RunEvent[];
  /** All text, and what tools said, for assertions. */
  readonly text: string;
  /** As it would be kept. */
  readonly turn: Turn;
}

/** A runner on files in memory, with a folder of its own. */
export async function aRunner(given: Partial<AgentRunnerDeps> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "agent-runner-"));
  const { artifacts } = createMemoryFileStores();
  const problems: AgentProblem[] = [];
  const runner = createAgentRunner({
    artifacts,
    filesOf: async () => [],
    folder,
    env: { PATH: "/usr/bin:/bin", HOME: "/nowhere" },
    secrets: { get: async () => new Map() },
    spending: { isOver: async () => false, add: async () => undefined },
    model: () => undefined,
    onProblem: (problem) => problems.push(problem),
    ...given,
  });
  let files = 0;
  return {
    runner,
    artifacts,
    folder,
    problems,
    /** A file of a question, in the store. */
    async file(name: string, content: string | Uint8Array, media_type = "text/plain"): Promise<TurnFile> {
      const ref = { project_id: SESSION, stage: "turn", attempt: 1, path: `files/${++files}/${name}` };
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      const { size, sha256 } = await artifacts.put(ref, bytes);
      return { name, media_type, size, sha256, ref: refOf(ref) };
    },
    async ask(
      agent: Agent,
      { text, files: asked = [], history = [], signal, onEvent }: Asked,
    ): Promise<Answered> {
      const events: RunEvent[] = [];
      let blocks: readonly Block[] = [];
      const version = agent.versions.find((one) => one.version === agent.version) as AgentVersion;
      const user = { text, files: [...asked] };
      const outcome = await runner.run(
        {
          agent,
          version,
          history,
          user,
          settings: agent.settings,
          place: { id: SESSION, turn: history.length + 1, token: 7 },
        },
        {
          signal: signal ?? new AbortController().signal,
          onEvent: (event) => {
            events.push(event);
            blocks = foldEvent(blocks, event);
            onEvent?.(event);
          },
        },
      );
      const turn = turnSchema.parse({
        ...outcome.usage,
        session_id: SESSION,
        turn: history.length + 1,
        agent_id: agent.agent_id,
        version: agent.version,
        key: "k",
        user,
        started_at: AT,
        status: outcome.status,
        error: outcome.error,
        blocks,
      });
      const said = blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
      return { outcome, blocks, events, text: said, turn };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

type VersionInput = Partial<AgentVersion> & Pick<AgentVersion, "entry">;

/** The record of an agent with one version, whose files are put into the store. */
export async function anAgent(
  artifacts: ArtifactStore,
  files: Readonly<Record<string, string | Uint8Array>>,
  version: VersionInput,
  settings: Partial<Agent["settings"]> = {},
): Promise<Agent> {
  const listed = [];
  for (const [path, content] of Object.entries(files)) {
    const at = { stage: "agent_code_developer", attempt: 1, path };
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    await artifacts.put({ project_id: PROJECT, ...at }, bytes);
    listed.push(at);
  }
  const entry = files[version.entry];
  return agentSchema.parse({
    agent_id: "agent_000000000001",
    agent_name: "a",
    title: "A",
    status: "ready",
    version: 1,
    revision: 1,
    created_at: AT,
    updated_at: AT,
    settings,
    versions: [
      {
        version: 1,
        project_id: PROJECT,
        run: 1,
        stage: "agent_code_developer",
        attempt: 1,
        at: AT,
        kind: "rules",
        files: listed,
        ...(entry !== undefined && { sha256: createHash("sha256").update(entry).digest("hex") }),
        ...version,
      },
    ],
  });
}

/** An agent of one module that speaks the protocol by itself: what generated code could do at worst. */
export async function aModule(
  artifacts: ArtifactStore,
  body: string,
  version: Partial<AgentVersion> = {},
  settings: Partial<Agent["settings"]> = {},
): Promise<Agent> {
  const source = `
    import { createInterface } from "node:readline";
    const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
    const attempt = async (name, act) => {
      try { say({ type: "text", text: name + ": got " + (await act()) + "\\n" }); }
      catch (error) { say({ type: "text", text: name + ": " + (error.cause?.code ?? error.code ?? error.message) + "\\n" }); }
    };
    say({ type: "ready", protocol: 1, tools: [] });
    for await (const line of createInterface({ input: process.stdin })) {
      const order = JSON.parse(line);
      ${body}
      say({ type: "end" });
    }`;
  return await anAgent(
    artifacts,
    { "agents/a/a.mjs": source },
    { entry: "agents/a/a.mjs", ...version },
    settings,
  );
}

/** Builds an agent offline, with the real pipeline, and takes its files. */
export async function builtAgent(artifacts: ArtifactStore, requirement: string): Promise<Agent> {
  const folder = await mkdtemp(join(tmpdir(), "agent-build-"));
  try {
    const run = await runPipeline(agentBuild, { requirement, project_name: "", folder });
    const paths = (await readdir(run.artifactsDir, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const files: Record<string, Uint8Array> = {};
    for (const path of paths) files[path.slice(run.artifactsDir.length + 1)] = await readFile(path);
    const { agent } = run.outputs.get("agent_code_developer") as { agent: string };
    const prompt = Object.keys(files).find((path) => path.startsWith("prompts/"));
    const tools = Object.keys(files)
      .filter((path) => /^tools\/.*\/[a-z_]+\.mjs$/.test(path) && !path.includes("/lib/"))
      .map((path) => ({ name: path.split("/").at(-1)?.replace(".mjs", "") ?? "", description: "A tool." }));
    return await anAgent(artifacts, files, { entry: agent, prompt, tools });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
