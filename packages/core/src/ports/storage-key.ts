import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import { artifactPathSchema, stageKeySchema, storageOwnerSchema } from "../snapshot/ids.ts";
import { utf8Bytes } from "../snapshot/limits.ts";
import type { ArtifactRef, AttemptRef, ByteRange } from "./artifact-store.ts";

/** Where a store keeps a thing: names of folders, and of the file at the end, from its root downwards. */
export type StorageKey = readonly string[];

/** What file systems take as one name, in bytes. */
const NAME_BYTES = 255;

const countSchema = z.number().int().min(0);
const documentNameSchema = z.string().regex(/^[a-z0-9._-]{1,200}$/, "expected 1 to 200 of a-z 0-9 . _ -");
const pathSchema = artifactPathSchema.refine(
  (path) => path.split("/").every((name) => utf8Bytes(name) <= NAME_BYTES),
  `expected at most ${NAME_BYTES} bytes between two /`,
);

export function projectKey(projectId: string): StorageKey {
  return [checked(storageOwnerSchema, projectId, "project_id")];
}

export function artifactKey(ref: ArtifactRef): StorageKey {
  const { stage, attempt } = checkedAttempt(ref);
  const path = checked(pathSchema, ref.path, "path").split("/");
  return [...projectKey(ref.project_id), "artifacts", stage, String(attempt), ...path];
}

export function documentKey(projectId: string, name: string): StorageKey {
  return [...projectKey(projectId), "documents", `${checked(documentNameSchema, name, "name")}.json`];
}

/** The attempt that a log belongs to, its names checked. */
export function checkedAttempt({ project_id, stage, attempt }: AttemptRef): AttemptRef {
  return {
    project_id: checked(storageOwnerSchema, project_id, "project_id"),
    stage: checked(stageKeySchema, stage, "stage"),
    attempt: checkedCount(attempt, "attempt"),
  };
}

export function checkedCount(value: number, name: string): number {
  return checked(countSchema, value, name);
}

/** The range, or that of all there is. Errors: INVALID_INPUT unless it is within `size`. */
export function requireWithin(range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return { first: 0, last: size - 1 };
  const { first, last } = range;
  const counts = Number.isSafeInteger(first) && Number.isSafeInteger(last);
  if (counts && first >= 0 && first <= last && last < size) return range;
  throw new StagefoldError(
    "INVALID_INPUT",
    `range: expected one within ${size} bytes, found ${first}-${last}`,
    {
      issues: ["range"],
    },
  );
}

/** Callers have checked their input; a name that reaches a file system is checked once more. */
function checked<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const expected = parsed.error.issues.map((issue) => issue.message).join("; ");
  throw new StagefoldError("INVALID_INPUT", `${name}: ${expected}, found ${preview(value)}`, {
    issues: [name],
  });
}

/** A value from outside for an error message: one line, of bearable length. */
export function preview(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
