import { REASONS, type Reason, type RowKind } from "../rows/row.ts";
import type { ReportFile, ReportLine } from "./report-file.ts";

/** Of a project, an agent or a session. */
export type Fate = "created" | "changed" | "unchanged";

/** What a run did. Every row of the input is in `merged` or under its reason in `not_merged`. */
export interface ImportSummary {
  readonly dry_run: boolean;
  /** Stopped before its end: running it again continues it. */
  readonly interrupted: boolean;
  readonly rows: number;
  readonly read: Readonly<Record<RowKind | "unreadable", number>>;
  readonly merged: number;
  readonly not_merged: Readonly<Record<Reason, number>>;
  /** Rows of earlier runs that were deferred until what came now. */
  readonly deferred: { readonly merged: number };
  readonly projects: Readonly<Record<Fate, number>>;
  /** What was made in the records table. `changed`: agents of ours that were given figures, sessions given turns. */
  readonly agents: Readonly<Record<Fate, number>>;
  readonly sessions: Readonly<Record<Fate, number>>;
  readonly turns: number;
  readonly invocations: number;
  /** Files in a form that is not read (Amazon Ion). */
  readonly left_aside: readonly string[];
  /** Where the rows that were not merged are named; null when there are none, or nothing is written. */
  readonly report: string | null;
}

/** Counts what a run does, and reports what it does not. */
export class SummaryCounter {
  readonly #report: ReportFile;
  readonly #read = {
    ...{ project: 0, artifact: 0, stage: 0 },
    ...{ agent: 0, session: 0, message: 0, invocation: 0 },
    unreadable: 0,
  };
  readonly #projects = { created: 0, changed: 0, unchanged: 0 };
  readonly #agents = { created: 0, changed: 0, unchanged: 0 };
  readonly #sessions = { created: 0, changed: 0, unchanged: 0 };
  #turns = 0;
  #invocations = 0;
  readonly #notMerged = new Map<Reason, number>(REASONS.map((reason) => [reason, 0]));
  #merged = 0;
  #deferred = 0;

  constructor(report: ReportFile) {
    this.#report = report;
  }

  get rows(): number {
    return Object.values(this.#read).reduce((sum, count) => sum + count, 0);
  }

  /** Rows whose fate is known. */
  get settled(): number {
    return [...this.#notMerged.values()].reduce((sum, count) => sum + count, this.#merged);
  }

  read(kind: RowKind | "unreadable"): void {
    this.#read[kind] += 1;
  }

  merged(): void {
    this.#merged += 1;
  }

  deferredAndMerged(): void {
    this.#deferred += 1;
  }

  project(fate: Fate): void {
    this.#projects[fate] += 1;
  }

  agent(fate: Fate): void {
    this.#agents[fate] += 1;
  }

  session(fate: Fate): void {
    this.#sessions[fate] += 1;
  }

  /** Turns of sessions, and invocations without one, that were made. */
  calls({ turns = 0, invocations = 0 }: { readonly turns?: number; readonly invocations?: number }): void {
    this.#turns += turns;
    this.#invocations += invocations;
  }

  async notMerged(line: ReportLine): Promise<void> {
    this.#notMerged.set(line.reason, (this.#notMerged.get(line.reason) ?? 0) + 1);
    await this.#report.add(line);
  }

  /** What became of projects and rows so far. */
  get counts(): Omit<ImportSummary, "dry_run" | "interrupted" | "left_aside" | "rows" | "read"> {
    const count = (reason: Reason) => this.#notMerged.get(reason) ?? 0;
    return {
      merged: this.#merged,
      not_merged: {
        "already there": count("already there"),
        "no such project": count("no such project"),
        "no such stage": count("no such stage"),
        "no such agent": count("no such agent"),
        "no such session": count("no such session"),
        "too late": count("too late"),
        "no path": count("no path"),
        unreadable: count("unreadable"),
      },
      deferred: { merged: this.#deferred },
      projects: { ...this.#projects },
      agents: { ...this.#agents },
      sessions: { ...this.#sessions },
      turns: this.#turns,
      invocations: this.#invocations,
      report: this.#report.path ?? null,
    };
  }

  /** Throws when a run that came to its end has not accounted for every row. */
  finish(more: Pick<ImportSummary, "dry_run" | "interrupted" | "left_aside">): ImportSummary {
    const { rows, settled } = this;
    if (!more.interrupted && rows !== settled)
      throw new Error(`expected all of ${rows} rows to be accounted for, found ${settled}`);
    return { ...more, rows, read: { ...this.#read }, ...this.counts };
  }
}
