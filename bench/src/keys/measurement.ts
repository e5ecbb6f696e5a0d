import type { Figure } from "../measure/figure.ts";

export type Plain = number | Figure;
/** A figure, several under names of their own, or why there is none on this machine. */
export type Value = Plain | { readonly [sub: string]: Plain } | { readonly absent: string };

export interface Settings {
  /** Fewer builds and rows: to see that all of it works, not for figures to quote. */
  readonly short: boolean;
  /** A folder for CPU profiles of the worker. */
  readonly profile?: string | undefined;
}

/** Measures some keys at once, since they come from the same run. */
export interface Measurement {
  readonly keys: readonly string[];
  run(settings: Settings): Promise<Record<string, Value>>;
}

/** Says on stderr what is going on: stdout is for the result. */
export function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
