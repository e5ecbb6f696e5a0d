/** `ok`: as it should be. `note`: worth knowing. `warning`: to be looked at. `problem`: it does not work like that. */
export type Level = "ok" | "note" | "warning" | "problem";

/** One thing that the doctor has to say. */
export interface Finding {
  readonly level: Level;
  /** What was looked at, such as `table` or `items`. */
  readonly about: string;
  readonly text: string;
}

/** What to type next, and why. */
export interface Step {
  readonly command: string;
  readonly why: string;
}
