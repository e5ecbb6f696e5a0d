import { z } from "zod";
import type { Item } from "../patch/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { RecordStore } from "../ports/record-store.ts";
import { toTime } from "../snapshot/time.ts";
import { optimisticRecordWrite } from "./agents/record-write.ts";

const KEPT_DAYS = 400;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Of a dollar: sums of whole numbers are exact in every store. */
const UNITS = 1e8;

const itemSchema = z.looseObject({ units: z.number().default(0) });

/** What all processes have spent on language models in a day of UTC, builds and agents alike. */
export class DailySpending {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  /** The day's item as this process has seen it: then it is there to be added to. */
  #known: Item | undefined;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** USD of today. */
  async today(): Promise<number> {
    const item = await this.#records.get(this.#key());
    return item === undefined ? 0 : itemSchema.parse(item).units / UNITS;
  }

  /** Adds USD to today. A reply that was lost may count a call twice; none is left out. */
  async add(usd: number): Promise<void> {
    const units = Math.round(usd * UNITS);
    if (units === 0) return;
    const key = this.#key();
    const expires_at = Math.ceil((this.#clock.now() + KEPT_DAYS * DAY_MS) / 1000);
    const stored = this.#known?.pk === key.pk ? this.#known : undefined;
    const { item } = await optimisticRecordWrite(this.#records, {
      stored,
      decide: (found) =>
        found === undefined
          ? { ...key, kind: "put", guards: [], item: { ...key, units, expires_at } }
          : { ...key, kind: "update", guards: [], edits: [{ op: "add", path: ["units"], value: units }] },
      isOwnWrite: () => false,
    });
    this.#known = item;
  }

  #key(): { pk: string; sk: string } {
    return { pk: `spending#${toTime(this.#clock.now()).slice(0, 10)}`, sk: "spending" };
  }
}
