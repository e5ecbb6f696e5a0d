import type { AttemptRef, Item } from "@stagefold/core";

export function partitionOf(projectId: string): string {
  return `log#${projectId}`;
}

export function headKey({ project_id, stage, attempt }: AttemptRef) {
  return { pk: partitionOf(project_id), sk: `${stage}#${padded(attempt)}` };
}

export function chunkKey(owner: AttemptRef, seq: number) {
  const { pk, sk } = headKey(owner);
  return { pk, sk: `${sk}#${padded(seq)}` };
}

/** Whose head a row of the index is. */
export function ownerOf({ pk, sk }: Item): AttemptRef | undefined {
  const [stage = "", attempt = ""] = String(sk).split("#");
  const project_id = String(pk).slice(partitionOf("").length);
  return stage === "" || attempt === "" ? undefined : { project_id, stage, attempt: Number(attempt) };
}

export function folderOf({ project_id, stage, attempt }: AttemptRef): string {
  return `${project_id}/logs/${stage}/${attempt}`;
}

/** Sixteen digits are as many as a whole number can have. */
function padded(count: number): string {
  return String(count).padStart(16, "0");
}
