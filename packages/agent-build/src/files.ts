import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { StageContext, StageReporter } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import { z } from "zod";
import type { GeneratedFile } from "./author.ts";

/** Puts a file into the workspace, where later stages and the agent find it, and records it as an artifact. */
export async function writeArtifact(
  reporter: StageReporter,
  workDir: string,
  file: GeneratedFile,
): Promise<void> {
  const target = join(workDir, file.path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, file.content, { encoding: "utf8", signal: reporter.signal });
  await reporter.artifact(file.path, { file: target }, { media_type: file.media_type });
}

export async function writeDocument(ctx: StageContext, path: string, document: unknown): Promise<void> {
  const content = `${JSON.stringify(document, null, 2)}\n`;
  await writeArtifact(ctx, ctx.workDir, { path, content, media_type: "application/json" });
}

/** Reads a document of an earlier stage. Throws a StageError that says which, if it is missing or damaged. */
export async function readDocument<Schema extends z.ZodType>(
  ctx: StageContext,
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await readFile(join(ctx.workDir, path), { encoding: "utf8", signal: ctx.signal }).catch(
    (cause: unknown) => {
      throw new StageError(`expected the document ${path} of an earlier stage in the workspace`, { cause });
    },
  );
  const parsed = schema.safeParse(parseJson(text, path));
  if (parsed.success) return parsed.data;
  throw new StageError(`the document ${path} is not as expected: ${z.prettifyError(parsed.error)}`);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StageError(`expected JSON in ${path}`, { cause });
  }
}

/** Checks what an author returned: an author may be a language model. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new StageError(`the author's ${what} is not as expected: ${z.prettifyError(parsed.error)}`);
}
