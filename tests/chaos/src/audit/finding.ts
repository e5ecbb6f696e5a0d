/** Something that is not as it must be. `what` is one of a closed list, so that a test can ask for it. */
export interface Finding {
  readonly what: FindingKind;
  /** A project, or a list. */
  readonly where: string;
  readonly detail: string;
}

export type FindingKind =
  /** An acknowledged write is not in the table, or something is there that no process wrote. */
  | "lost write"
  | "unknown write"
  /** Two acknowledged writes made the same revision. */
  | "doubled write"
  /** A write of a lease owner took effect under another token, or after a newer one. */
  | "superseded writer"
  | "token fell"
  | "sequence broken"
  | "transition not allowed"
  /** What was recorded of a finished stage changed, or an attempt has two outcomes. */
  | "outcome changed"
  | "outcome doubled"
  | "progress fell"
  /** A stage began before all that it needs was finished, or one that could begin did not. */
  | "out of order"
  | "came back"
  | "request refused as wrong"
  | "failed"
  | "inconsistent"
  | "list misses"
  | "list has too much"
  | "stage not run"
  | "stage run twice"
  /** What a person was told is their answer is not, or two were told so. */
  | "answer lost"
  | "answer doubled"
  | "artifact"
  | "log";

export function report(findings: readonly Finding[]): string[] {
  return findings.map(({ what, where, detail }) => `${where}: ${what}: ${detail}`);
}
