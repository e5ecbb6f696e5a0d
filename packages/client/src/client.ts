import { answerLinks } from "./answer-link.ts";
import type { Inputs, Kinds, Outputs } from "./api.ts";
import {
  type ArtifactAddress,
  download,
  type UploadedArtifact,
  type UploadInput,
  upload,
} from "./artifacts.ts";
import type { CallOptions, ClientOptions, WatchOptions } from "./options.ts";
import { Transport } from "./transport.ts";
import type { AnswerOf, CreateOf, PipelineLike, ProjectOf, Typed } from "./typed.ts";
import { watch } from "./watch.ts";

type Arguments<Input, Options> = [undefined] extends [Input]
  ? [input?: Exclude<Input, void>, options?: Options]
  : [input: Input, options?: Options];

type Method<Kind, Input, Output, P extends PipelineLike> = Kind extends "subscription"
  ? (...args: Arguments<Input, WatchOptions>) => AsyncGenerator<Typed<Output, P>, void>
  : (...args: Arguments<Input, CallOptions>) => Promise<Typed<Output, P>>;

type Procedures<P extends PipelineLike> = {
  readonly [Group in keyof Kinds]: {
    readonly [Name in keyof Kinds[Group]]: Method<
      Kinds[Group][Name],
      Inputs[Group][Name & keyof Inputs[Group]],
      Outputs[Group][Name & keyof Outputs[Group]],
      P
    >;
  };
};

/**
 * Every procedure of the API, typed by its router. They throw StagefoldClientError, ConnectionError, or the reason of
 * an aborted signal. Subscriptions are loops that outlive lost connections and restarts of the server: a watch of a
 * project begins with the project as it is, and throws PROJECT_NOT_FOUND also when it is deleted.
 */
export interface StagefoldClient<P extends PipelineLike = PipelineLike>
  extends Omit<Procedures<P>, "projects"> {
  /** Of the API, without a slash at the end. */
  readonly url: string;
  readonly projects: Omit<Procedures<P>["projects"], "create" | "answer"> & {
    // Methods, so that a client of one pipeline may be given where a client of any is expected.
    /** `again` says that its key or operation had made the build before. */
    create(
      input: CreateOf<P, Inputs["projects"]["create"]>,
      options?: CallOptions,
    ): Promise<ProjectOf<P> & { again?: true }>;
    answer(input: AnswerOf<P, Inputs["projects"]["answer"]>, options?: CallOptions): Promise<ProjectOf<P>>;
    /** Resolves with the project when it is completed, failed or cancelled. */
    readonly waitForEnd: (input: { project_id: string }, options?: WatchOptions) => Promise<ProjectOf<P>>;
  };
  /** What the bearer of a link by `projects.answerLink` asks and answers; it needs no key. */
  readonly answerLinks: ReturnType<typeof answerLinks>;
  readonly artifacts: Procedures<P>["artifacts"] & {
    /** The bytes, to be read as the caller likes. Without a stage: the last stage that lists the path. */
    readonly download: (input: ArtifactAddress, options?: CallOptions) => Promise<Response>;
    /** Puts the bytes of an artifact of the attempt that the lease is for. An `artifacts` event then records it. */
    readonly upload: (input: UploadInput, options?: CallOptions) => Promise<UploadedArtifact>;
  };
}

/** How each procedure is called. The router's type decides: a missing or a wrong entry does not compile. */
export const KINDS: Kinds = {
  projects: {
    create: "mutation",
    createMany: "mutation",
    bulk: "mutation",
    get: "query",
    input: "query",
    list: "query",
    pause: "mutation",
    resume: "mutation",
    cancel: "mutation",
    retry: "mutation",
    answer: "mutation",
    answerLink: "mutation",
    delete: "mutation",
    watch: "subscription",
    watchList: "subscription",
    watchMany: "subscription",
  },
  stages: { list: "query", get: "query", logs: "query", watchLogs: "subscription", calls: "query" },
  artifacts: { listByProject: "query", listByAgent: "query", record: "mutation", removeForStage: "mutation" },
  work: { claim: "mutation", heartbeat: "mutation", report: "mutation", release: "mutation" },
  stats: { overview: "query", builds: "query", invocations: "query", agents: "query" },
  pipelines: { list: "query", get: "query", problems: "query" },
  workers: { list: "query" },
  schedules: {
    create: "mutation",
    list: "query",
    get: "query",
    update: "mutation",
    pause: "mutation",
    resume: "mutation",
    run: "mutation",
    delete: "mutation",
  },
  webhooks: {
    create: "mutation",
    list: "query",
    update: "mutation",
    rotate: "mutation",
    delete: "mutation",
    deliveries: "query",
    replay: "mutation",
  },
  system: { info: "query" },
  agents: {
    list: "query",
    get: "query",
    update: "mutation",
    enable: "mutation",
    disable: "mutation",
    setVersion: "mutation",
    publish: "mutation",
    delete: "mutation",
    invoke: "mutation",
  },
  sessions: { create: "mutation", get: "query", list: "query", rename: "mutation", delete: "mutation" },
  turns: {
    send: "mutation",
    list: "query",
    get: "query",
    stop: "mutation",
    retry: "mutation",
    watch: "subscription",
  },
  messages: { list: "query" },
  invocations: { list: "query", get: "query", stop: "mutation", watch: "subscription" },
  session: { get: "query" },
  keys: { list: "query", create: "mutation", rotate: "mutation", revoke: "mutation" },
  audit: { list: "query" },
};

/**
 * A client of the Stagefold API at `url`. With the type of a pipeline (`createClient<typeof agentBuild>(…)`) its
 * projects know each stage's output; that the projects are builds of that pipeline is what the caller says.
 */
export function createClient<P extends PipelineLike = PipelineLike>(
  options: ClientOptions,
): StagefoldClient<P>;
export function createClient(options: ClientOptions): StagefoldClient {
  const transport = new Transport(options);
  const methodOf = (kind: string, path: string) => (input: object | undefined, given?: WatchOptions) =>
    kind === "query" || kind === "mutation"
      ? transport.call(kind, path, input, given)
      : watch(transport, path, input ?? {}, given);
  const groups = Object.entries(KINDS).map(([group, kinds]) => {
    const methods = Object.entries<string>(kinds).map(([name, kind]) => [
      name,
      methodOf(kind, `${group}.${name}`),
    ]);
    return [group, Object.fromEntries(methods)];
  });
  // The procedures are those of the router, by name and by kind; what they answer, its schemas have checked.
  const procedures = Object.fromEntries(groups) as Procedures<PipelineLike>;
  const { projects, stages, artifacts, turns, invocations } = procedures;
  return {
    ...procedures,
    stages: { ...stages, watchLogs: (input, given) => watchLogs(stages, input, given) },
    url: transport.url,
    answerLinks: answerLinks(transport),
    turns: { ...turns, watch: (input, given) => untilEnd(turns.watch(input, given)) },
    invocations: { ...invocations, watch: (input, given) => untilEnd(invocations.watch(input, given)) },
    projects: { ...projects, waitForEnd: (input, given) => waitForEnd(projects, input, given) },
    artifacts: {
      ...artifacts,
      download: (input, given) => download(transport, input, given),
      upload: (input, given) => upload(transport, input, given),
    },
  };
}

/** Until the log is over: the server ends the stream then, which is no connection to be made again. */
async function* watchLogs(
  stages: Procedures<PipelineLike>["stages"],
  input: Inputs["stages"]["watchLogs"],
  options?: WatchOptions,
) {
  for await (const change of stages.watchLogs(input, options)) {
    yield change;
    if (change.over) return;
  }
}

/** A turn's events: after `end` the stream is over, and is not opened again. */
async function* untilEnd<Event extends { readonly event: string }>(
  events: AsyncGenerator<Event, void>,
): AsyncGenerator<Event, void> {
  for await (const event of events) {
    yield event;
    if (event.event === "end") return;
  }
}

async function waitForEnd(
  projects: Procedures<PipelineLike>["projects"],
  input: { project_id: string },
  options?: WatchOptions,
) {
  for await (const project of projects.watch(input, options)) {
    const { status } = project;
    if (status === "completed" || status === "failed" || status === "cancelled") return project;
  }
  throw options?.signal?.reason;
}
