import {
  apply,
  type Item,
  type RecordKey,
  type RecordPage,
  type RecordPatch,
  type RecordQuery,
  type RecordStore,
  valueAt,
  type Written,
} from "@stagefold/core";

export type TurnViolationKind =
  | "older_token"
  | "archive_replaced"
  | "turn_lost"
  | "turn_doubled"
  | "turn_reordered"
  | "text_lost"
  | "wrong_totals"
  | "answer_differs"
  | "ran_twice"
  | "stuck";

export interface TurnViolation {
  readonly kind: TurnViolationKind;
  readonly message: string;
}

/** What a store lets through that it must not: see `weaken`. */
export type TurnWeakness =
  | "an archive in place of another"
  | "an end of another turn"
  | "owners without a token"
  | "a begin while a turn is open";

/** The store behind all connections: watches every write that takes effect, and may lack a part of the fence. */
export class WatchedRecords implements RecordStore {
  readonly #store: RecordStore;
  readonly #weakness: TurnWeakness | undefined;
  readonly #violated: (kind: TurnViolationKind, message: string) => void;
  readonly #archived = new Map<string, string>();
  writes = 0;

  constructor(
    store: RecordStore,
    violated: (kind: TurnViolationKind, message: string) => void,
    weakness?: TurnWeakness,
  ) {
    this.#store = store;
    this.#violated = violated;
    this.#weakness = weakness;
  }

  async write(patch: RecordPatch): Promise<Written> {
    const before = await this.#store.get(patch);
    const given = this.#weakness === undefined ? patch : weaken(patch, this.#weakness, before);
    const isReplaced = given.kind === "put" && patch.kind === "put" && before && this.#weakness !== undefined;
    // A put that must not find anything, made to: the store itself would refuse it.
    if (isReplaced && this.#weakness === "an archive in place of another" && isTurn(patch))
      await this.#store.write({ pk: patch.pk, sk: patch.sk, kind: "delete", guards: [] });
    const written = await this.#store.write(given);
    if (!written.ok) return written;
    this.writes += 1;
    if (isTurn(patch)) this.#archive(patch);
    else this.#head(patch, before);
    return written;
  }

  get(key: RecordKey): Promise<Item | undefined> {
    return this.#store.get(key);
  }

  query(query: RecordQuery): Promise<RecordPage> {
    return this.#store.query(query);
  }

  #archive(patch: RecordPatch): void {
    if (patch.kind !== "put") return;
    const name = `${patch.pk} ${patch.sk}`;
    const text = JSON.stringify(patch.item);
    if (this.#archived.has(name)) this.#violated("archive_replaced", name);
    this.#archived.set(name, text);
  }

  /** What the guards of the given patch, all of them, say about the item before. */
  #head(patch: RecordPatch, before: Item | undefined): void {
    if (patch.kind !== "update" || apply(before, patch).ok) return;
    this.#violated("older_token", `${patch.pk}: ${patch.edits.map(({ path }) => path.join(".")).join(" ")}`);
  }
}

function isTurn({ sk }: RecordKey): boolean {
  return sk.startsWith("turn#");
}

function weaken(patch: RecordPatch, weakness: TurnWeakness, before: Item | undefined): RecordPatch {
  if (patch.kind !== "update") return patch;
  const touches = (field: string) => patch.edits.some(({ path }) => path[0] === field && path.length === 1);
  const without = (...names: string[]): RecordPatch => ({
    ...patch,
    guards: patch.guards.filter((guard) => "path" in guard && !names.includes(guard.path.join("."))),
  });
  switch (weakness) {
    case "an archive in place of another":
      return patch;
    case "an end of another turn":
      return touches("last") && valueAt(before, ["turns"]) !== undefined ? without("open.turn") : patch;
    case "owners without a token":
      return touches("open") || touches("last") || valueAt(before, ["open"]) === undefined
        ? patch
        : without("token", "open.turn", "open.lease.expires_at");
    case "a begin while a turn is open":
      return touches("open") && touches("turns") ? without("open", "token", "turns") : patch;
    default:
      return weakness satisfies never;
  }
}
