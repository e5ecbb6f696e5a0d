import {
  AGENT_LIMITS,
  type ArtifactStore,
  fileTypeOf,
  invalidInput,
  isSafePath,
  refOf,
  StagefoldError,
  type TurnFile,
  textSchema,
} from "@stagefold/core";
import { z } from "zod";

/** A file of a question: its text, or its bytes in base64. */
export const fileInputSchema = z
  .strictObject({
    name: textSchema(AGENT_LIMITS.fileName, 1).refine(
      (name) => isSafePath(name) && !name.includes("/"),
      "expected the name of a file, without a folder",
    ),
    media_type: z
      .string()
      .max(100)
      .regex(/^[\w.+-]+\/[\w.+-]+$/, "expected a media type such as text/csv")
      .optional(),
    text: z.string().optional(),
    base64: z.string().optional(),
  })
  .refine(
    (file) => (file.text === undefined) !== (file.base64 === undefined),
    "expected either text or base64",
  );
export type FileInput = z.output<typeof fileInputSchema>;

export const filesInputSchema = z
  .array(fileInputSchema)
  .max(AGENT_LIMITS.files)
  .refine((files) => new Set(files.map(({ name }) => name)).size === files.length, "expected each name once");

/** Puts the files of a question below their session or invocation, named by their content. Errors: INVALID_INPUT. */
export async function keepFiles(
  artifacts: ArtifactStore,
  owner: string,
  files: readonly FileInput[],
): Promise<TurnFile[]> {
  const kept: TurnFile[] = [];
  for (const file of files) {
    const bytes = bytesOf(file);
    if (bytes.length > AGENT_LIMITS.file) {
      const message = `A file may have ${AGENT_LIMITS.file} bytes; ${file.name} has ${bytes.length}.`;
      throw new StagefoldError("PAYLOAD_TOO_LARGE", message, { limit: AGENT_LIMITS.file });
    }
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes))).toString("hex");
    const place = {
      project_id: owner,
      stage: "files",
      attempt: 0,
      path: `${digest.slice(0, 16)}/${file.name}`,
    };
    const { size, sha256 } = await artifacts.put(place, bytes);
    const media_type = file.media_type ?? fileTypeOf(file.name);
    kept.push({ name: file.name, media_type, size, sha256, ref: refOf(place) });
  }
  return kept;
}

function bytesOf({ name, text, base64 = "" }: FileInput): Buffer {
  if (text !== undefined) return Buffer.from(text, "utf8");
  const bytes = Buffer.from(base64, "base64");
  // Node leaves out what is no base64 without a word. What fills up the last group may be missing.
  const filled = bytes.toString("base64");
  if (base64 === filled || base64 === filled.replace(/={1,2}$/, "")) return bytes;
  throw invalidInput(`${name}: expected its bytes in base64.`, [`files: ${name}: expected base64`]);
}
