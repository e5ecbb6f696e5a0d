import { createHash } from "node:crypto";
import { mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { catalogueAgent } from "@stagefold/agent-build";
import { errorCode, makeWholeFolder } from "@stagefold/node-files";
import { ToolProcess } from "./tool-process.ts";
import type { LaidFile } from "./turn-folder.ts";

/** Milliseconds for one document: hostile ones take for ever. */
const READ_MS = 20_000;
/** Documents whose text is kept in memory, and the characters of one that are. */
const MAX_KEPT = 50;
const MAX_TEXT = 200_000;

/**
 * The text of documents, read by the catalogue's own tool in a process that is limited like an agent's: a file that is
 * broken, or grows without end when it is unpacked, ends that process and nothing else.
 */
export class DocumentReader {
  readonly #root: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #texts = new Map<string, string>();
  #prepared: Promise<{ readonly folder: string; readonly entry: string }> | undefined;

  constructor(root: string, env: Readonly<Record<string, string>>) {
    this.#root = root;
    this.#env = env;
  }

  /** The text, or a sentence that says why there is none. Errors: the signal's reason once it is aborted. */
  async textOf(file: LaidFile, turnFolder: string, signal: AbortSignal): Promise<string> {
    const key = `${file.sha256}/${file.name}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      // The next document tries again.
      this.#prepared = undefined;
      throw error;
    });
    const { folder, entry } = await this.#prepared;
    const options = { entry: join(folder, entry), agentFolder: folder, turnFolder, env: this.#env };
    await using tools = new ToolProcess(options, () => undefined);
    const { output, failed } = await tools.call("1", "document_reader", file.name, READ_MS, signal);
    // What failed may have failed for want of time or memory: it is not kept.
    if (failed) return `(The text of this file cannot be read: ${output.slice(0, 300)})`;
    this.#texts.set(key, output.slice(0, MAX_TEXT));
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > MAX_KEPT && oldest !== undefined) this.#texts.delete(oldest);
    return output;
  }

  async #prepare(): Promise<{ folder: string; entry: string }> {
    const { entry, others } = await catalogueAgent("documents", ["document_reader"]);
    const files = [entry, ...others];
    const digest = createHash("sha256");
    for (const { path, content } of files) digest.update(JSON.stringify([path, content]));
    const folder = join(this.#root, digest.digest("hex").slice(0, 32));
    if (!(await exists(folder)))
      await makeWholeFolder(folder, async (fresh) => {
        for (const { path, content } of files) {
          await mkdir(dirname(join(fresh, path)), { recursive: true, mode: 0o700 });
          await writeFile(join(fresh, path), content, { mode: 0o400 });
        }
      });
    return { folder: await realpath(folder), entry: entry.path };
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}
