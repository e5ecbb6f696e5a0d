/** How a build left its holder without the holder having ended it. */
export type OverReason = "cancelled" | "deleted" | "lost" | "expired";

/** The lease is over: whoever meets this writes nothing more and stops what it runs. */
export class LeaseOver extends Error {
  readonly reason: OverReason;

  constructor(reason: OverReason) {
    super(`The lease is over: ${reason}.`);
    this.name = "LeaseOver";
    this.reason = reason;
  }
}
