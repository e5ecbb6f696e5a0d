import type { Outputs } from "../../../lib/trpc.ts";

export type Artifact = Outputs["artifacts"]["listByProject"]["items"][number];

/** Which bytes are meant: of one attempt of a stage. */
export interface Address {
  readonly project_id: string;
  readonly stage: string;
  readonly attempt: number;
  readonly path: string;
}

/** Where a browser gets an artifact from, as a link or an image. */
export function artifactUrl({ project_id, stage, attempt, path }: Address): string {
  const place = [project_id, ...path.split("/")].map(encodeURIComponent).join("/");
  return `/artifacts/${place}?${new URLSearchParams({ stage, attempt: String(attempt) })}`;
}

/** The file's own name. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Of one path there may be several, by several stages: what tells them apart. */
export function keyOf({ stage, attempt, path }: Omit<Address, "project_id">): string {
  return `${stage} ${attempt} ${path}`;
}
