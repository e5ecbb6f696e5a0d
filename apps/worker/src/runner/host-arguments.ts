import { z } from "zod";

/** What a stage host is started with. */
export interface HostArguments {
  /** The process that it must not outlive. */
  readonly workerPid: number;
  /** The folder of the user's own pipelines, absolute. */
  readonly pipelines: string | undefined;
}

const schema = z.tuple([z.coerce.number().int().positive()], z.string()).rest(z.string());

export function toArguments({ workerPid, pipelines }: HostArguments): string[] {
  return [String(workerPid), ...(pipelines === undefined ? [] : [pipelines])];
}

export function hostArguments(given: readonly string[]): HostArguments {
  const [workerPid, pipelines] = schema.parse(given);
  return { workerPid, pipelines };
}
