import { join } from "node:path";
import type {
  AgentRunner,
  AgentVersion,
  ArtifactStore,
  RunOutcome,
  RunRequest,
  TurnErrorCode,
} from "@stagefold/core";
import { type Model, ModelError, type TokenUsage } from "@stagefold/models";
import { SecretMask } from "@stagefold/node-files";
import type { AgentProcessOptions } from "./agent-process.ts";
import { Answer } from "./answer.ts";
import { DocumentReader } from "./document-reader.ts";
import { removeLeft } from "./left-folders.ts";
import { type Made, MadeFiles } from "./made-files.ts";
import { RunFailure } from "./run-failure.ts";
import { runModel, type Spending } from "./run-model.ts";
import { runRules } from "./run-rules.ts";
import type { ToolOutcome } from "./tool-process.ts";
import { layOut } from "./turn-folder.ts";
import { VersionError, type VersionFile, VersionFolders } from "./version-files.ts";

export interface AgentRunnerDeps {
  readonly artifacts: ArtifactStore;
  /** The files of a version that does not list them. */
  readonly filesOf: (version: AgentVersion) => Promise<readonly VersionFile[]>;
  /** A folder of this installation alone, for the files of versions and of turns. */
  readonly folder: string;
  /** What an agent's process inherits of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The values of secrets, of those that are there. */
  readonly secrets: { get(names: readonly string[]): Promise<ReadonlyMap<string, string>> };
  /** What this process asks models with: masked in problems. Agents and models are never told. */
  readonly modelSecrets?: readonly string[];
  /** The model of an agent's settings: `default`, or a name as in STAGEFOLD_MODEL. Undefined when there is none. */
  readonly model: (name: string) => Model | undefined;
  /** What all agents spend: asked before each call of a model, told after it. */
  readonly spending: Spending;
  /** What went wrong, for the operator: the provider's or the agent's own words. */
  readonly onProblem: (problem: AgentProblem) => void;
  readonly trace?: TurnTrace | undefined;
}

/** Traces what a turn does: each runs the work that it is given, and answers as that does. */
export interface TurnTrace {
  /** `model`: as in STAGEFOLD_MODEL. */
  modelCall<Answer extends { readonly usage: TokenUsage }>(
    model: string,
    call: () => Promise<Answer>,
  ): Promise<Answer>;
  toolCall(
    tool: { readonly name: string; readonly id: string },
    call: () => Promise<ToolOutcome>,
  ): Promise<ToolOutcome>;
}

const UNTRACED: TurnTrace = { modelCall: (_, call) => call(), toolCall: (_, call) => call() };

export interface AgentProblem {
  /** Absent where it is a problem of no agent. */
  readonly agent_id?: string;
  readonly version?: number;
  readonly message: string;
  readonly cause?: unknown;
}

/** Of one answer. Timers take no more than 24 days. */
const MAX_SECONDS = 24 * 60 * 60;

/** Folders of folders, and the names in them of what ends with its process. */
const LEFT = [
  ["turns", "turn-"],
  ["versions", ".new-"],
  ["documents", ".new-"],
] as const;

/** Runs agents in processes of their own; models are called from this one. */
export function createAgentRunner(deps: AgentRunnerDeps): AgentRunner {
  const versions = new VersionFolders(join(deps.folder, "versions"), deps.artifacts, deps.filesOf);
  const documents = new DocumentReader(join(deps.folder, "documents"), deps.env);
  for (const [name, prefix] of LEFT)
    removeLeft(join(deps.folder, name), prefix).catch((cause: unknown) => {
      deps.onProblem({ message: `What earlier processes left in ${name} cannot be removed.`, cause });
    });
  return {
    async run(request, { signal, onEvent }) {
      const { agent, version, settings } = request;
      const secrets = await secretsOf(deps, version);
      const hidden = secrets instanceof RunFailure ? [] : Object.values(secrets);
      const mask = new SecretMask(hidden);
      const inLog = new SecretMask([...(deps.modelSecrets ?? []), ...hidden]);
      const answer = new Answer(onEvent, mask);
      const seconds = Math.min(settings.timeout_seconds, MAX_SECONDS);
      const timeout = AbortSignal.timeout(seconds * 1000);
      const problem = (message: string, cause?: unknown) => {
        const { agent_id } = agent;
        const of = { agent_id, version: version.version };
        deps.onProblem({ ...of, message: inLog.text(message), cause: maskedError(inLog, cause) });
      };
      try {
        if (secrets instanceof RunFailure) throw secrets;
        const either = AbortSignal.any([signal, timeout]);
        const shared = { versions, documents, secrets, mask, problem };
        const finish = await runOne(deps, shared, request, answer, either);
        return outcome(answer, "completed", finish, null);
      } catch (error) {
        if (signal.aborted) return outcome(answer, "cancelled", "stopped", null);
        const failure = timeout.aborted
          ? new RunFailure("AGENT_TIMEOUT", `The agent did not answer within ${seconds} seconds.`)
          : failureOf(error);
        problem(failure.message, error);
        return outcome(answer, "failed", "error", failure);
      } finally {
        answer.close("The answer ended before the tool did.");
      }
    },
  };
}

interface Shared {
  readonly versions: VersionFolders;
  readonly documents: DocumentReader;
  readonly secrets: Readonly<Record<string, string>>;
  readonly mask: SecretMask;
  readonly problem: (message: string, cause?: unknown) => void;
}

async function runOne(
  deps: AgentRunnerDeps,
  { versions, documents, secrets, mask, problem }: Shared,
  { version, history, user, settings, place, traceparent }: RunRequest,
  answer: Answer,
  signal: AbortSignal,
): Promise<string> {
  const agentFolder = await versions.prepare(version);
  await using folder = await layOut(join(deps.folder, "turns"), deps.artifacts, user.files, history);
  const process: AgentProcessOptions = {
    entry: join(agentFolder, version.entry),
    agentFolder,
    turnFolder: folder.path,
    env: { ...deps.env, ...secrets, ...(traceparent !== undefined && { TRACEPARENT: traceparent }) },
  };
  const made = new MadeFiles(folder, deps.artifacts, place, mask);
  const collect = () =>
    made.collect().catch((error: unknown): Made => {
      problem("What the agent wrote could not be kept.", error);
      return { files: [], left_out: "The files that it wrote could not be kept." };
    });
  const onErrorText = (text: string) => problem(`The agent's process wrote: ${text}`);
  // Also of an answer that was stopped or failed: what it wrote is there.
  await using _rest = {
    [Symbol.asyncDispose]: async () => answer.made(await collect()),
  };
  if (version.kind === "rules")
    return await runRules(process, folder, user.text, answer, signal, onErrorText);
  const model = deps.model(settings.model);
  if (model === undefined)
    throw new RunFailure("MODEL_UNAVAILABLE", "No language model is set for this agent.");
  const { spending, trace = UNTRACED } = deps;
  return await runModel(
    {
      process,
      version,
      settings,
      folder,
      text: user.text,
      model,
      spending,
      trace,
      documents,
      mask,
      collect,
      onErrorText,
    },
    answer,
    signal,
  );
}

/** Those that the version names, and no others: what else the source holds stays there. */
async function secretsOf(
  deps: AgentRunnerDeps,
  version: AgentVersion,
): Promise<Record<string, string> | RunFailure> {
  if (version.secrets.length === 0) return {};
  try {
    const found = await deps.secrets.get(version.secrets);
    return Object.fromEntries(
      version.secrets.flatMap((name) => {
        const value = found.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  } catch (cause) {
    const message = "The secrets that the agent names cannot be read; the server's log says more.";
    return new RunFailure("AGENT_FAILED", message, { cause });
  }
}

/** For a log: what a provider or a library says may have a secret in it. */
function maskedError(mask: SecretMask, error: unknown): unknown {
  if (mask.isEmpty || !(error instanceof Error)) return error;
  const cause = maskedError(mask, error.cause);
  const masked = new Error(mask.text(error.message), cause === undefined ? {} : { cause });
  masked.name = error.name;
  masked.stack = mask.text(error.stack ?? "");
  return masked;
}

function failureOf(error: unknown): { readonly code: TurnErrorCode; readonly message: string } {
  if (error instanceof RunFailure || error instanceof ModelError) return error;
  if (error instanceof VersionError) return new RunFailure("AGENT_FAILED", error.message);
  return new RunFailure("AGENT_FAILED", "The agent could not be run here.");
}

function outcome(
  answer: Answer,
  status: RunOutcome["status"],
  finish_reason: string,
  failure: { readonly code: TurnErrorCode; readonly message: string } | null,
): RunOutcome {
  answer.close("The answer ended before the tool did.");
  return {
    status,
    error: failure && { code: failure.code, message: failure.message },
    finish_reason,
    usage: answer.usage,
    first_text_at: answer.firstTextAt,
  };
}
