import type { ProjectsApi, StagefoldClient } from "./api.ts";
import { download, upload } from "./internal/artifacts.ts";
import type { InputOf, OutputOf } from "./internal/router-types.ts";
import { type CallPath, Transport } from "./internal/transport.ts";
import { waitForEnd, watchList, watchMany, watchProject } from "./internal/watch/projects.ts";
import type { CallOptions, ClientOptions } from "./options.ts";
import type { PipelineLike } from "./typed.ts";

/**
 * A client of the Stagefold API at `url`. With the type of a pipeline (`createClient<typeof agentBuild>(…)`) its
 * projects know each stage's output; that the projects are builds of that pipeline is what the caller says.
 */
export function createClient<P extends PipelineLike = PipelineLike>(
  options: ClientOptions,
): StagefoldClient<P>;
export function createClient(options: ClientOptions): StagefoldClient {
  const transport = new Transport(options);
  // The compiler holds each line below against the router: what goes in, and what comes out.
  const call =
    <Path extends CallPath>(path: Path) =>
    (input: InputOf<Path>, options?: CallOptions): Promise<OutputOf<Path>> =>
      transport.call(path, input, options);
  return {
    url: transport.url,
    projects: projectsOf(transport, call),
    stages: { list: call("stages.list"), get: call("stages.get"), logs: call("stages.logs") },
    artifacts: {
      listByProject: call("artifacts.listByProject"),
      listByAgent: call("artifacts.listByAgent"),
      record: call("artifacts.record"),
      removeForStage: call("artifacts.removeForStage"),
      download: (input, options) => download(transport, input, options),
      upload: (input, options) => upload(transport, input, options),
    },
    work: {
      claim: call("work.claim"),
      heartbeat: call("work.heartbeat"),
      report: call("work.report"),
      release: call("work.release"),
    },
    stats: {
      overview: (options) => transport.call("stats.overview", undefined, options),
      builds: call("stats.builds"),
    },
    pipelines: { list: call("pipelines.list") },
    system: { info: (options) => transport.call("system.info", undefined, options) },
  };
}

type Call = <Path extends CallPath>(
  path: Path,
) => (input: InputOf<Path>, options?: CallOptions) => Promise<OutputOf<Path>>;

function projectsOf(transport: Transport, call: Call): ProjectsApi<PipelineLike> {
  return {
    create: call("projects.create"),
    get: call("projects.get"),
    list: call("projects.list"),
    pause: call("projects.pause"),
    resume: call("projects.resume"),
    cancel: call("projects.cancel"),
    retry: call("projects.retry"),
    delete: call("projects.delete"),
    watch: (input, options) => watchProject(transport, input, options),
    watchList: (input, options) => watchList(transport, input, options),
    watchMany: (input, options) => watchMany(transport, input, options),
    waitForEnd: (input, options) => waitForEnd(transport, input, options),
  };
}
