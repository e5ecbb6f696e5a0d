import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StageContext } from "@stagefold/pipeline";
import type { CurrentVersion } from "./author.ts";
import { designDocument, requirementsDocument } from "./documents.ts";
import { readDocument } from "./files.ts";
import { documentPath, toolFolder } from "./paths.ts";

/** Where the worker puts the files of the version that a build is to change, in the build's workspace. */
export const CURRENT_FOLDER = ".current";

/**
 * The version that the build is to change; undefined for a new agent. Throws a StageError where it is there and cannot
 * be read, or was not made by this pipeline.
 */
export async function readCurrentVersion(ctx: StageContext): Promise<CurrentVersion | undefined> {
  const folder = join(ctx.workDir, CURRENT_FOLDER);
  if (!(await stat(folder).catch(() => undefined))) return undefined;
  const [agent] = await readdir(join(folder, "docs")).catch((): string[] => []);
  if (agent === undefined) return undefined;
  const document = (name: string) => `${CURRENT_FOLDER}/${documentPath(agent, name)}`;
  const requirements = await readDocument(ctx, document("requirements"), requirementsDocument);
  const design = await readDocument(ctx, document("design"), designDocument);
  const sources = design.tools.map(async ({ key }) => [
    key,
    await readFile(join(folder, toolFolder(agent), `${key}.mjs`), "utf8"),
  ]);
  return { requirements, design, tools: Object.fromEntries(await Promise.all(sources)) };
}
