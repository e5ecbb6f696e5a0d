import { join } from "node:path";
import type {
  AgentRunner,
  AgentVersion,
  ArtifactStore,
  RunOutcome,
  RunRequest,
  TurnErrorCode,
} from "@stagefold/core";
import { type Model, ModelError } from "@stagefold/models";
import type { AgentProcessOptions } from "./agent-process.ts";
import { Answer } from "./answer.ts";
import { DocumentReader } from "./document-reader.ts";
import { removeLeft } from "./left-folders.ts";
import { RunFailure } from "./run-failure.ts";
import { runModel, type Spending } from "./run-model.ts";
import { runRules } from "./run-rules.ts";
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
  /** The model of an agent's settings: `default`, or a name as in STAGEFOLD_MODEL. Undefined when there is none. */
  readonly model: (name: string) => Model | undefined;
  /** What all agents spend: asked before each call of a model, told after it. */
  readonly spending: Spending;
  /** What went wrong, for the operator: the provider's or the agent's own words. */
  readonly onProblem: (problem: AgentProblem) => void;
}

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
      const answer = new Answer(onEvent);
      const seconds = Math.min(request.settings.timeout_seconds, MAX_SECONDS);
      const timeout = AbortSignal.timeout(seconds * 1000);
      const problem = (message: string, cause?: unknown) => {
        const { agent_id } = request.agent;
        deps.onProblem({ agent_id, version: request.version.version, message, cause });
      };
      try {
        const finish = await runOne(
          deps,
          versions,
          documents,
          request,
          answer,
          AbortSignal.any([signal, timeout]),
          problem,
        );
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

async function runOne(
  deps: AgentRunnerDeps,
  versions: VersionFolders,
  documents: DocumentReader,
  { version, history, user, settings }: RunRequest,
  answer: Answer,
  signal: AbortSignal,
  problem: (message: string) => void,
): Promise<string> {
  const agentFolder = await versions.prepare(version);
  await using folder = await layOut(join(deps.folder, "turns"), deps.artifacts, user.files, history);
  const process: AgentProcessOptions = {
    entry: join(agentFolder, version.entry),
    agentFolder,
    turnFolder: folder.path,
    env: { ...deps.env, ...(await secretsOf(deps, version)) },
  };
  const onErrorText = (text: string) => problem(`The agent's process wrote: ${text}`);
  if (version.kind === "rules")
    return await runRules(process, folder, user.text, answer, signal, onErrorText);
  const model = deps.model(settings.model);
  if (model === undefined)
    throw new RunFailure("MODEL_UNAVAILABLE", "No language model is set for this agent.");
  const { spending } = deps;
  return await runModel(
    { process, version, settings, folder, text: user.text, model, spending, documents, onErrorText },
    answer,
    signal,
  );
}

/** Those that the version names, and no others: what else the source holds stays there. */
async function secretsOf(deps: AgentRunnerDeps, version: AgentVersion): Promise<Record<string, string>> {
  if (version.secrets.length === 0) return {};
  const found = await deps.secrets.get(version.secrets);
  return Object.fromEntries(
    version.secrets.flatMap((name) => {
      const value = found.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
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
