import { createHash } from "node:crypto";
import { opendir } from "node:fs/promises";
import { join } from "node:path";
import {
  AGENT_LIMITS,
  type ArtifactStore,
  artifactPathSchema,
  fileTypeOf,
  placeOfTurn,
  refOf,
  type TurnFile,
  type TurnPlace,
} from "@stagefold/core";
import { openRegularFile, type SecretMask } from "@stagefold/node-files";
import { stampOf, type TurnFolder } from "./turn-folder.ts";

/** Names in a turn's folder that are looked at; an agent may make any number. */
const MAX_ENTRIES = 2000;
const MAX_NAME = 200;

/** Files that an agent wrote since the last look, and what was not kept of them, as a sentence. */
export interface Made {
  readonly files: readonly TurnFile[];
  readonly left_out?: string;
}

/** Keeps the files that an agent writes into its turn's folder: named by their content, so that none is ever replaced. */
export class MadeFiles {
  readonly #folder: TurnFolder;
  readonly #artifacts: ArtifactStore;
  readonly #place: TurnPlace;
  readonly #mask: SecretMask;
  /** By path: what tells a change of a file, and the digest of what it was. */
  readonly #seen = new Map<string, { readonly stamp: string; readonly sha256: string | undefined }>();
  #count = 0;
  #bytes = 0;

  constructor(folder: TurnFolder, artifacts: ArtifactStore, place: TurnPlace, mask: SecretMask) {
    this.#folder = folder;
    this.#artifacts = artifacts;
    this.#place = place;
    this.#mask = mask;
    for (const { name, stamp, sha256 } of folder.laid) this.#seen.set(name, { stamp, sha256 });
  }

  /** Those that are new or changed since the last call. Errors: the store's. */
  async collect(): Promise<Made> {
    const files: TurnFile[] = [];
    const leftOut: string[] = [];
    const paths = await this.#paths();
    for (const path of paths) {
      const stamp = await stampOf(join(this.#folder.path, path));
      const known = this.#seen.get(path);
      if (stamp === undefined || stamp === known?.stamp) continue;
      const reason = this.#refusal(path);
      const read = reason ?? (await this.#read(path));
      if (read === undefined) continue;
      const sha256 = typeof read === "string" ? undefined : createHash("sha256").update(read).digest("hex");
      this.#seen.set(path, { stamp, sha256 });
      if (typeof read === "string") leftOut.push(`${this.#mask.text(path).slice(0, MAX_NAME)} (${read})`);
      else if (sha256 !== undefined && sha256 !== known?.sha256)
        files.push(await this.#keep(path, read, sha256));
    }
    if (leftOut.length === 0) return { files };
    const more = leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : "";
    return { files, left_out: `Not kept: ${leftOut.slice(0, 5).join(", ")}${more}.` };
  }

  #refusal(path: string): string | undefined {
    if (path.length > MAX_NAME || !artifactPathSchema.safeParse(path).success)
      return "its name is none that is kept";
    if (this.#mask.text(path) !== path) return "its name has a secret in it";
    if (this.#count >= AGENT_LIMITS.madeFiles) return `an answer may leave ${AGENT_LIMITS.madeFiles} files`;
    return undefined;
  }

  /** The bytes, or why they are not kept; undefined when it is no file any more. */
  async #read(path: string): Promise<Uint8Array | string | undefined> {
    const opened = await openRegularFile(join(this.#folder.path, path));
    if (typeof opened === "string") return undefined;
    await using handle = opened.handle;
    const limit = Math.min(AGENT_LIMITS.file, AGENT_LIMITS.madeBytes - this.#bytes);
    if (opened.size > limit) return `${opened.size} bytes are more than may be kept`;
    // No more than was there when it was opened: it may still grow.
    const bytes = new Uint8Array(opened.size);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  }

  async #keep(path: string, bytes: Uint8Array, sha256: string): Promise<TurnFile> {
    const place = placeOfTurn(this.#place, "made", `${sha256.slice(0, 16)}/${path}`);
    const { size } = await this.#artifacts.put(place, bytes);
    this.#count += 1;
    this.#bytes += size;
    return { name: path, media_type: fileTypeOf(path), size, sha256, ref: refOf(place) };
  }

  /** Of the regular files, without hidden ones. A link is none of them. */
  async #paths(): Promise<string[]> {
    const found: string[] = [];
    let looked = 0;
    const folders = [""];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const entries = await opendir(join(this.#folder.path, folder)).catch(() => undefined);
      if (entries === undefined) continue;
      for await (const entry of entries) {
        looked += 1;
        if (looked > MAX_ENTRIES) break;
        if (entry.name.startsWith(".")) continue;
        const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory()) folders.push(path);
        else if (entry.isFile()) found.push(path);
      }
    }
    return found.sort();
  }
}
