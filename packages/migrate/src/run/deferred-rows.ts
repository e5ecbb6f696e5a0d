import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, writeFileAtomic } from "@stagefold/node-files";
import { linesOf } from "../source/lines.ts";
import type { SpilledRow } from "../spill/buckets.ts";

/**
 * Rows that could not be placed, kept beside the table until what they need has come: a file a project, or whatever
 * else their rows are gathered by.
 */
export class DeferredRows {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Those of a project, in the order they came. */
  async of(projectId: string): Promise<SpilledRow[]> {
    return await this.#read(this.#pathOf(projectId));
  }

  /** Those of each project, one after the other. */
  async *all(): AsyncGenerator<SpilledRow[]> {
    if (!existsSync(this.#folder)) return;
    for (const one of await readdir(this.#folder, { recursive: true, withFileTypes: true }))
      if (one.name.endsWith(".rows")) yield await this.#read(join(one.parentPath, one.name));
  }

  async #read(path: string): Promise<SpilledRow[]> {
    const rows: SpilledRow[] = [];
    if (!existsSync(path)) return rows;
    for await (const { text: line = "" } of linesOf(createReadStream(path))) {
      const [source = "", number] = line.split("\t", 2);
      const text = line.slice([source, number].join("\t").length + 1);
      rows.push({ origin: { source: String(JSON.parse(source)), line: Number(number) }, text });
    }
    return rows;
  }

  /** Puts these in place of what was kept; none removes the file. It changes as a whole or not at all. */
  async put(projectId: string, rows: readonly SpilledRow[]): Promise<void> {
    const path = this.#pathOf(projectId);
    if (rows.length === 0) {
      await rm(path, { force: true });
      return;
    }
    await makeFolder(dirname(path));
    const lines = rows.map(
      ({ origin, text }) => `${JSON.stringify(origin.source)}\t${origin.line}\t${text}\n`,
    );
    await writeFileAtomic(path, lines.join(""));
  }

  /** Removes what runs left that were ended in the middle of a write. The caller has the lock: no other run writes. */
  async sweep(): Promise<void> {
    if (!existsSync(this.#folder)) return;
    for (const one of await readdir(this.#folder, { recursive: true, withFileTypes: true }))
      if (one.name.endsWith(".part")) await rm(join(one.parentPath, one.name), { force: true });
  }

  /** An id of an old table may be any text: the file is named by its hash. */
  #pathOf(projectId: string): string {
    const hash = createHash("sha256").update(projectId).digest("hex").slice(0, 32);
    return join(this.#folder, hash.slice(0, 2), `${hash}.rows`);
  }
}
