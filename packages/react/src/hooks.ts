import type {
  Agent,
  Artifact,
  CreateProjectInput,
  OutputsOf,
  PipelineLike,
  Project,
  ProjectOf,
  ProjectSummary,
  StagefoldClient,
  StageOf,
  Turn,
} from "@stagefold/client";
import { stageOutput } from "@stagefold/client";
import { use, useCallback, useMemo, useState, useSyncExternalStore } from "react";
import { agentOf, type SendInput, type SentTurn, sendTurn, stopTurn, turnsOf } from "./agents.ts";
import { type Entry, LOADING, type Snapshot } from "./entry.ts";
import { type Connection, type ListOptions, type Live, toError } from "./live.ts";
import { artifactsOf, type Log, logOf } from "./parts.ts";
import { useLive } from "./provider.ts";

/** The keys of a pipeline's stages. */
export type StageKeyOf<P extends PipelineLike> = P["stages"][number]["stage"];

/** A stage of a build, and what it returned. */
export interface StageState<P extends PipelineLike, Key extends StageKeyOf<P>> {
  readonly stage: Extract<StageOf<P>, { stage: Key }>;
  /** Undefined until the stage has completed, and when the output was too large for the build's item. */
  readonly output: OutputOf<P, Key> | undefined;
}

type OutputOf<P extends PipelineLike, Key> = Key extends keyof OutputsOf<P>
  ? unknown extends OutputsOf<P>[Key]
    ? Record<string, unknown>
    : OutputsOf<P>[Key]
  : Record<string, unknown>;

/** A call that a component makes: how it stands, and what came of it. */
export interface CallState<T> {
  readonly pending: boolean;
  /** Of the last call that was answered. */
  readonly result: T | undefined;
  /** Of the last call, when it was refused. */
  readonly error: Error | undefined;
}

/** A question that a build waits with. */
export type OpenGate = NonNullable<Project["waiting"]>;

/** The client of the provider: whatever no hook does. */
export function useClient(): StagefoldClient {
  return useLive().client;
}

/** Whether the event stream is there. */
export function useConnection(): Connection {
  const live = useLive();
  return useSyncExternalStore(live.subscribeConnection, live.readConnection, () => "connecting");
}

function useEntry<T>(entry: Entry<T>): Snapshot<T> {
  return useSyncExternalStore<Snapshot<T>>(entry.subscribe, entry.read, () => LOADING);
}

/**
 * The build as it is, and after every change. Errors: PROJECT_NOT_FOUND, also when it is deleted; INVALID_INPUT for an
 * id that no build can have.
 */
export function useBuild<P extends PipelineLike = PipelineLike>(id: string): Snapshot<ProjectOf<P>>;
export function useBuild(id: string): Snapshot<Project> {
  return useEntry(useLive().project(id));
}

/** As `useBuild`, below a Suspense boundary: there is a build, or an error is thrown. */
export function useSuspenseBuild<P extends PipelineLike = PipelineLike>(id: string): ProjectOf<P>;
export function useSuspenseBuild(id: string): Project {
  const entry = useLive().project(id);
  const { value } = useEntry(entry);
  // On every render, also once there is a value: React asks for that.
  const first = use(entry.settled());
  return value ?? first;
}

/** The newest builds that fit a filter, as they change. */
export function useBuilds(filter: ListOptions = {}): Snapshot<readonly ProjectSummary[]> {
  return useEntry(useLive().list(filter));
}

/** A stage of a build, with its output typed by the pipeline. Fails where the build has no such stage. */
export function useStage<P extends PipelineLike = PipelineLike, Key extends StageKeyOf<P> = StageKeyOf<P>>(
  id: string,
  key: Key,
): Snapshot<StageState<P, Key>>;
export function useStage(id: string, key: string): Snapshot<StageState<PipelineLike, string>> {
  const build = useBuild(id);
  return useMemo(() => stageIn(build, key), [build, key]);
}

function stageIn(
  { status, value, error }: Snapshot<Project>,
  key: string,
): Snapshot<StageState<PipelineLike, string>> {
  if (value === undefined) return status === "failed" ? { status, value, error } : LOADING;
  const { stages } = value.stages_snapshot;
  const stage = stages.find((one) => one.stage === key);
  if (!stage) {
    const known = stages.map((one) => one.stage).join(", ");
    const missing = new RangeError(`Build ${value.project_id} has no stage ${key}; it has ${known}.`);
    return { status: "failed", value: undefined, error: missing };
  }
  const found = { stage, output: stageOutput(value, key) };
  return status === "failed"
    ? { status, value: found, error }
    : { status: "ready", value: found, error: undefined };
}

/** The log of a stage as it grows: of its present attempt, or of the one that is named. */
export function useLog(id: string, stage: string, attempt?: number): Snapshot<Log> {
  return useEntry(logOf(useLive(), id, stage, attempt));
}

/** The artifacts of a build, or of one stage, as they come. */
export function useArtifacts(id: string, stage?: string): Snapshot<readonly Artifact[]> {
  return useEntry(artifactsOf(useLive(), id, stage));
}

function useCall<Input, T>(call: (live: Live, input: Input) => Promise<T>) {
  const live = useLive();
  const [state, setState] = useState<CallState<T>>({ pending: false, result: undefined, error: undefined });
  const run = useCallback(
    async (input: Input): Promise<T> => {
      setState(({ result }) => ({ pending: true, result, error: undefined }));
      try {
        const result = await call(live, input);
        setState({ pending: false, result, error: undefined });
        return result;
      } catch (error) {
        setState(({ result }) => ({ pending: false, result, error: toError(error) }));
        throw error;
      }
    },
    [live, call],
  );
  return [run, state] as const;
}

/** Creates builds: the function, which answers with the build or throws, and how the last call stands. */
export function useCreateBuild(): readonly [
  create: (input: CreateProjectInput) => Promise<Project>,
  state: CallState<Project>,
] {
  return useCall(createBuild);
}

const createBuild = ({ client }: Live, input: CreateProjectInput) => client.projects.create(input);

/** The question that a build waits with, if it does, and the function that answers it. */
export function useGate(id: string): {
  readonly gate: OpenGate | undefined;
  /** Answers the gate that is open. Errors: STAGE_CONFLICT when none is. */
  readonly answer: (value: unknown) => Promise<Project>;
  readonly state: CallState<Project>;
} {
  const { value } = useBuild(id);
  const gate = value?.waiting;
  const stage = gate?.stage ?? "";
  const [run, state] = useCall(answerGate);
  const answer = useCallback((given: unknown) => run({ id, stage, value: given }), [run, id, stage]);
  return { gate, answer, state };
}

async function answerGate(live: Live, { id, stage, value }: { id: string; stage: string; value: unknown }) {
  const project = await live.client.projects.answer({ project_id: id, stage, value });
  live.show(project);
  return project;
}

/** An agent and its versions, read again with every change of its builds. Errors: AGENT_NOT_FOUND. */
export function useAgent(id: string): Snapshot<Agent> {
  return useEntry(agentOf(useLive(), id));
}

/**
 * A conversation: its newest 100 turns, oldest first, the last one growing while it is answered. A question that is
 * asked elsewhere is shown with the next one of this page. Errors: SESSION_NOT_FOUND.
 */
export function useTurns(sessionId: string): {
  readonly turns: Snapshot<readonly Turn[]>;
  /** Resolves once the question is taken. Errors: SESSION_BUSY while a turn runs. */
  readonly send: (text: string, files?: SendInput["files"]) => Promise<SentTurn>;
  /** Resolves with the turn that was stopped, its text kept; with undefined where none runs. */
  readonly stop: () => Promise<Turn | undefined>;
  /** Of `send`. */
  readonly state: CallState<SentTurn>;
} {
  const live = useLive();
  const turns = useEntry(turnsOf(live, sessionId));
  const [run, state] = useCall(sendTurn);
  const send = useCallback(
    (text: string, files?: SendInput["files"]) =>
      run({ session_id: sessionId, text, ...(files !== undefined && { files }) }),
    [run, sessionId],
  );
  const stop = useCallback(() => stopTurn(live, sessionId), [live, sessionId]);
  return { turns, send, stop, state };
}

/** The hooks of one pipeline's builds: `const { useStage } = hooksFor<typeof pipeline>()` knows keys and outputs. */
export interface PipelineHooks<P extends PipelineLike> {
  readonly useBuild: (id: string) => Snapshot<ProjectOf<P>>;
  readonly useSuspenseBuild: (id: string) => ProjectOf<P>;
  readonly useStage: <Key extends StageKeyOf<P>>(id: string, key: Key) => Snapshot<StageState<P, Key>>;
}

/** The same hooks, typed by a pipeline once for all. */
export function hooksFor<P extends PipelineLike>(): PipelineHooks<P> {
  return { useBuild: useBuild<P>, useSuspenseBuild: useSuspenseBuild<P>, useStage };
}
