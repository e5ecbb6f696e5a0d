import { z } from "zod";

/** What a runner process is started with. */
export interface RunnerArguments {
  /** The process that it must not outlive. */
  readonly workerPid: number;
  /** The folder of the user's own pipelines, absolute. */
  readonly pipelines: string | undefined;
}

const schema = z.tuple([z.coerce.number().int().positive()], z.string()).rest(z.string());

export function toArguments({ workerPid, pipelines }: RunnerArguments): string[] {
  return [String(workerPid), ...(pipelines === undefined ? [] : [pipelines])];
}

export function runnerArguments(given: readonly string[]): RunnerArguments {
  const [workerPid, pipelines] = schema.parse(given);
  return { workerPid, pipelines };
}
