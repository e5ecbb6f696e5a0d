import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type AgentsRow, groupOf } from "../rows/agents-row.ts";
import { isOfAgents, readRow } from "../rows/read-row.ts";
import type { Row } from "../rows/row.ts";
import { Buckets, type Groups, type SpilledRow } from "../spill/buckets.ts";

export type SortedKind = "builds" | "agents" | "sessions";

/** The text of a row that only says: this group has deferred rows. */
export const REMINDER = "";

/** All rows of a run on the disk, each kind by what is imported together: projects, agents, then sessions. */
export class SortedRows {
  readonly #folder: string;
  readonly #buckets = new Map<SortedKind, Buckets>();

  /** `folder` is removed in the end. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async add(row: Row | AgentsRow): Promise<void> {
    const { origin, text } = row;
    if (!isOfAgents(row)) return await (await this.#of("builds")).add(row.project_id, { origin, text });
    const kind = row.kind === "agent" ? "agents" : "sessions";
    await (await this.#of(kind)).add(groupOf(row), { origin, text });
  }

  /** Has the group of deferred rows looked at, whether or not more of its rows come now. */
  async remind([first]: readonly SpilledRow[]): Promise<void> {
    const row = first && readRow(first.text, first.origin);
    if (row && isOfAgents(row))
      await (await this.#of("sessions")).add(groupOf(row), { origin: first.origin, text: REMINDER });
  }

  /** Ends the writing of this kind, and gives the rows of some groups at a time. */
  async *groups(kind: SortedKind): AsyncGenerator<Groups> {
    const buckets = this.#buckets.get(kind);
    if (buckets) yield* buckets.groups();
  }

  async remove(): Promise<void> {
    for (const buckets of this.#buckets.values()) await buckets.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #of(kind: SortedKind): Promise<Buckets> {
    const known = this.#buckets.get(kind);
    if (known) return known;
    const opened = await Buckets.open(join(this.#folder, kind));
    this.#buckets.set(kind, opened);
    return opened;
  }
}
