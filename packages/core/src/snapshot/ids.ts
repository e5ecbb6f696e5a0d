import { z } from "zod";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { PROJECT_ID } from "./project-id.ts";
import { textSchema } from "./storable.ts";

const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** `proj_` and 12 hex digits. */
export const projectIdSchema = z.string().regex(PROJECT_ID, "expected proj_ and 12 hex digits");
/** `agent_` and 12 hex digits. */
export const agentIdSchema = z.string().regex(/^agent_[0-9a-f]{12}$/, "expected agent_ and 12 hex digits");
/** What names an agent in a call: its id, or an id that it had elsewhere (see `agentIdOf`). */
export const agentRefSchema = textSchema(256, 1);
/** What the artifact store keeps things of: a project, a session of an agent, or an invocation without a session. */
export const storageOwnerSchema = z
  .string()
  .regex(
    /^(?:proj_[0-9a-f]{12}|(?:sess|inv)_[0-9a-f]{32})$/,
    "expected the id of a project, session or invocation",
  );
/** The key of a stage or sub-stage. Not `__proto__`, which no object keeps as a name of its own for long. */
export const stageKeySchema = z
  .string()
  .regex(/^(?!__proto__$)[a-z0-9_-]{1,64}$/, "expected 1 to 64 of a-z 0-9 _ -");

/** A path below the root of the build's files: relative, forward slashes, no way out. */
export const artifactPathSchema = z
  .string()
  .min(1)
  .refine((path) => utf8Bytes(path) <= LIMITS.artifactPath, `expected at most ${LIMITS.artifactPath} bytes`)
  .refine(
    isSafePath,
    "expected a relative path with / between its parts, without .. or . parts and control characters",
  );

export function isSafePath(path: string): boolean {
  if (!path.isWellFormed() || path.startsWith("/") || /^[a-zA-Z]:/.test(path)) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return false;
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && part !== "__proto__");
}

/** A fresh random project id. */
export function newProjectId(): string {
  return `proj_${hex(crypto.getRandomValues(new Uint8Array(6)))}`;
}

/** A fresh id for a control write, a claim owner and the like. */
export function newOperationId(): string {
  return hex(crypto.getRandomValues(new Uint8Array(8)));
}

/** SHA-256 of a text, 64 hex digits. */
export async function sha256Hex(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

/** 16 hex digits that tell texts apart by accident, not against intent: unlike SHA-256 at once, without a promise. */
export function digestOf(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The id that a create with an idempotency key always gets: derived from the user and the key. */
export async function idempotentProjectId(userId: string | undefined, key: string): Promise<string> {
  return `proj_${(await sha256Hex(JSON.stringify([userId ?? null, key]))).slice(0, 12)}`;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
