import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ArtifactStore, parseRef, type Turn, type TurnFile } from "@stagefold/core";
import { makeFolder } from "@stagefold/node-files";

/** A file of the conversation as it lies in the turn's folder. */
export interface LaidFile {
  /** In the folder: without blanks and slashes. */
  readonly name: string;
  readonly media_type: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

export interface LaidTurn {
  readonly turn: Turn;
  readonly files: readonly LaidFile[];
}

export interface TurnFolder extends AsyncDisposable {
  /** A real path, which is gone when this is disposed. */
  readonly path: string;
  readonly files: readonly LaidFile[];
  readonly history: readonly LaidTurn[];
}

/** Bytes of earlier files that are laid out again; the newest come first. */
const MAX_HISTORY_BYTES = 50 * 1024 * 1024;
const MAX_NAME = 120;

/**
 * Lays the files of a question, and of the questions before it, into a folder of their own. Of two with the same name
 * the newer one is there. A file that is not in the store any more is left out.
 */
export async function layOut(
  root: string,
  artifacts: ArtifactStore,
  question: readonly TurnFile[],
  history: readonly Turn[],
): Promise<TurnFolder> {
  await makeFolder(root);
  const path = await realpath(await mkdtemp(join(root, "turn-")));
  const dispose = () => rm(path, { recursive: true, force: true });
  try {
    const taken = new Set<string>();
    const files = await lay(question, taken, Number.POSITIVE_INFINITY);
    let left = MAX_HISTORY_BYTES;
    const laid: LaidTurn[] = [];
    for (const turn of history.toReversed()) {
      const found = await lay(turn.user.files, taken, left);
      for (const { bytes } of found) left -= bytes.byteLength;
      laid.unshift({ turn, files: found });
    }
    return { path, files, history: laid, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }

  async function lay(given: readonly TurnFile[], taken: Set<string>, limit: number): Promise<LaidFile[]> {
    const laid: LaidFile[] = [];
    let left = limit;
    for (const file of given) {
      const name = safeName(file.name);
      if (taken.has(name) || file.size > left) continue;
      const bytes = await bytesOf(file);
      if (bytes === undefined || bytes.byteLength > left) continue;
      taken.add(name);
      left -= bytes.byteLength;
      await writeFile(join(path, name), bytes, { mode: 0o600 });
      laid.push({ name, media_type: file.media_type, sha256: file.sha256, bytes });
    }
    return laid;
  }

  async function bytesOf(file: TurnFile): Promise<Uint8Array | undefined> {
    const found = await artifacts.get(parseRef(file.ref));
    if (found === undefined) return undefined;
    const blocks: Uint8Array[] = [];
    for await (const block of found.stream) blocks.push(block);
    return Buffer.concat(blocks);
  }
}

/** A name that tools can be told without quotes and that no system finds special. */
export function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const plain = last
    .normalize("NFC")
    .replace(/[\s:*?"'<>|`$;&(){}[\]\p{C}]+/gu, "_")
    .replace(/^\.+/, "");
  if (plain === "") return "file";
  const dot = plain.lastIndexOf(".");
  const ending = dot > 0 && plain.length - dot <= 12 ? plain.slice(dot) : "";
  return plain.slice(0, plain.length - ending.length).slice(0, MAX_NAME - ending.length) + ending;
}
