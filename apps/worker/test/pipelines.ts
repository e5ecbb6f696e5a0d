import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipelines } from "@stagefold/agent-build";
import type { PipelineRegistry } from "@stagefold/pipeline";

/** File name to text. */
export type PipelineFiles = Readonly<Record<string, string>>;

export interface OpenPipelines {
  readonly folder: string;
  readonly pipelines: PipelineRegistry;
}

const shared = new Map<string, Promise<OpenPipelines>>();

/** To read pipelines in code takes a process: the benches of a test file have those of the same files in common. */
export function sharedPipelines(files: PipelineFiles): Promise<OpenPipelines> {
  const key = JSON.stringify(files);
  const found = shared.get(key);
  if (found) return found;
  const made = mkdtemp(join(tmpdir(), "stagefold-pipelines-")).then((folder) =>
    writePipelines(folder, files),
  );
  shared.set(key, made);
  return made;
}

export async function writePipelines(folder: string, files: PipelineFiles): Promise<OpenPipelines> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return { folder, pipelines: await openPipelines(folder) };
}

export async function removeSharedPipelines(): Promise<void> {
  const all = await Promise.allSettled(shared.values());
  shared.clear();
  for (const one of all)
    if (one.status === "fulfilled") await rm(one.value.folder, { recursive: true, force: true });
}
