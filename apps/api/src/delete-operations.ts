import { type Clock, isStagefoldError, type RecordStore } from "@stagefold/core";

/** A repeat is recognised for a week. */
const KEEP_SECONDS = 7 * 86_400;

/**
 * A deleted project keeps no record of the operation that deleted it. So the operation has a record of its own, by which
 * every process knows a repeat: it is written before the delete, and marked once that is done.
 */
export class DeleteOperations {
  readonly #records: RecordStore;
  readonly #clock: Clock;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Deletes the project, once for each operation. Errors: those of `remove`. */
  async run(projectId: string, operationId: string, remove: () => Promise<void>): Promise<void> {
    const key = { pk: `delete#${projectId}`, sk: operationId };
    const known = await this.#records.get(key);
    if (known?.done === true) return;
    const expires_at = Math.floor(this.#clock.now() / 1000) + KEEP_SECONDS;
    if (!known)
      await this.#records.write({
        ...key,
        kind: "put",
        guards: [],
        item: { ...key, done: false, expires_at },
      });
    try {
      await remove();
    } catch (error) {
      // The project may be gone because an earlier call of this operation deleted it, whose reply was lost.
      const isRepeat = known !== undefined && isStagefoldError(error, "PROJECT_NOT_FOUND");
      if (!isRepeat) {
        await this.#records.write({ ...key, kind: "delete", guards: [] });
        throw error;
      }
    }
    await this.#records.write({
      ...key,
      kind: "update",
      guards: [],
      edits: [{ op: "set", path: ["done"], value: true }],
    });
  }
}
