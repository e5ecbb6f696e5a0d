import { mkdtemp, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ArtifactStore, isSafePath, parseRef, type Turn, type TurnFile } from "@stagefold/core";
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
  /** All that was laid out, also what the agent wrote in earlier turns. `stamp`: see `stampOf`. */
  readonly laid: readonly { readonly name: string; readonly stamp: string; readonly sha256: string }[];
}

/** Bytes of earlier files that are laid out again; the newest come first. */
const MAX_HISTORY_BYTES = 50 * 1024 * 1024;
const MAX_NAME = 120;

/**
 * Lays the files of a question, of the questions before it, and those that the agent wrote then, into a folder of their
 * own. Of two with the same name the newer one is there, also where one of them is a file and the other a folder. A
 * file that is not in the store any more is left out.
 */
export async function layOut(
  root: string,
  artifacts: ArtifactStore,
  question: readonly TurnFile[],
  history: readonly Turn[],
): Promise<TurnFolder> {
  await makeFolder(root);
  const path = await realpath(await mkdtemp(join(root, "turn-")));
  const laid = new Map<string, TurnFolder["laid"][number]>();
  const dispose = () => rm(path, { recursive: true, force: true });
  try {
    const files = await lay(question, Number.POSITIVE_INFINITY);
    let left = MAX_HISTORY_BYTES;
    const turns: LaidTurn[] = [];
    for (const turn of history.toReversed()) {
      // Written after the question came, so newer than its files; of two with one name the last one.
      const made = await lay(madeIn(turn).toReversed(), left);
      for (const { bytes } of made) left -= bytes.byteLength;
      const found = await lay(turn.user.files, left);
      for (const { bytes } of found) left -= bytes.byteLength;
      turns.unshift({ turn, files: found });
    }
    return { path, files, history: turns, laid: [...laid.values()], [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }

  async function lay(given: readonly TurnFile[], limit: number): Promise<LaidFile[]> {
    const found: LaidFile[] = [];
    let left = limit;
    for (const file of given) {
      // A path below folders is one that an agent wrote.
      const name = file.name.includes("/") && isSafePath(file.name) ? file.name : safeName(file.name);
      const { sha256, media_type } = file;
      if (isTaken(name) || file.size > left) continue;
      const bytes = await bytesOf(file);
      if (bytes === undefined || bytes.byteLength > left) continue;
      left -= bytes.byteLength;
      const target = join(path, name);
      await makeFolder(dirname(target));
      await writeFile(target, bytes, { mode: 0o600 });
      laid.set(name, { name, sha256, stamp: (await stampOf(target)) ?? "" });
      found.push({ name, media_type, sha256, bytes });
    }
    return found;
  }

  function isTaken(name: string): boolean {
    const others = [...laid.keys()];
    return others.some(
      (other) => other === name || other.startsWith(`${name}/`) || name.startsWith(`${other}/`),
    );
  }

  async function bytesOf(file: TurnFile): Promise<Uint8Array | undefined> {
    const found = await artifacts.get(parseRef(file.ref));
    if (found === undefined) return undefined;
    const blocks: Uint8Array[] = [];
    for await (const block of found.stream) blocks.push(block);
    return Buffer.concat(blocks);
  }
}

/** The files that the agent wrote in a turn, in their order. */
function madeIn({ blocks }: Turn): TurnFile[] {
  return blocks.flatMap((block) => (block.type === "tool" ? (block.files ?? []) : []));
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

/** What differs once a file was written; undefined for one that is gone. */
export async function stampOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
}
