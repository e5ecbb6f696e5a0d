import type { ArtifactInput, LogLine, Notes, ReportEvent } from "@stagefold/core";
import type { PartEvent } from "../runner/protocol.ts";

/** Lines of one log event. */
const LINES_OF_EVENT = 10_000;
/** Artifacts of one event. */
const ARTIFACTS_OF_EVENT = 10_000;

/** What a running stage has said and no write has carried yet, as few events as will do. */
export class PendingEvents {
  readonly #stage: string;
  readonly #now: () => string;
  #parts: ReportEvent[] = [];
  #notes: Notes = {};
  #summary: string | undefined;
  #lines: LogLine[] = [];
  #characters = 0;
  #progress: number | undefined;
  #highest = 0;
  readonly #partProgress = new Map<string, number>();
  /** By path: what is recorded again replaces what was there. */
  readonly #artifacts = new Map<string, ArtifactInput>();

  /** `stage` as the project names it; `now` gives the present time in the stored form. */
  constructor(stage: string, now: () => string) {
    this.#stage = stage;
    this.#now = now;
  }

  get empty(): boolean {
    return (
      this.#characters === 0 &&
      this.#parts.length === 0 &&
      this.#summary === undefined &&
      Object.keys(this.#notes).length === 0 &&
      this.#artifacts.size === 0 &&
      this.#progress === undefined &&
      this.#partProgress.size === 0
    );
  }

  /** Characters of the log that wait. */
  get characters(): number {
    return this.#characters;
  }

  get lineCount(): number {
    return this.#lines.length;
  }

  lines(lines: readonly LogLine[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      this.#characters += line.text.length + 1;
    }
  }

  noted(notes: Notes | undefined, summary: string | undefined): void {
    this.#notes = { ...this.#notes, ...notes };
    this.#summary = summary ?? this.#summary;
  }

  /** Progress never falls: what is lower than before says nothing. */
  progress(percent: number, part: string | undefined): void {
    if (part !== undefined) {
      this.#partProgress.set(part, percent);
    } else if (percent > this.#highest) {
      this.#highest = percent;
      this.#progress = percent;
    }
  }

  part(given: PartEvent): void {
    const about = { stage: this.#stage, sub_stage: given.key, at: this.#now() };
    if (given.event !== "started") this.#takePartProgress(given.key);
    switch (given.event) {
      case "started":
        this.#parts.push({ event: "started", ...about });
        return;
      case "completed":
        this.#parts.push({ event: "completed", ...about });
        return;
      case "failed":
        this.#parts.push({ event: "failed", ...about, message: given.message, code: "STAGE_FAILED" });
        return;
      default:
        given satisfies never;
    }
  }

  artifact(artifact: ArtifactInput): void {
    this.#artifacts.delete(artifact.path);
    this.#artifacts.set(artifact.path, artifact);
  }

  /** Everything, in an order in which each event is possible; nothing is left. */
  take(): ReportEvent[] {
    const stage = this.#stage;
    for (const key of [...this.#partProgress.keys()]) this.#takePartProgress(key);
    const events = [...this.#parts];
    for (let from = 0; from < this.#lines.length; from += LINES_OF_EVENT)
      events.push({ event: "log", stage, lines: this.#lines.slice(from, from + LINES_OF_EVENT) });
    if (this.#progress !== undefined) events.push({ event: "progress", stage, progress: this.#progress });
    const artifacts = [...this.#artifacts.values()];
    for (let from = 0; from < artifacts.length; from += ARTIFACTS_OF_EVENT)
      events.push({
        event: "artifacts",
        stage,
        artifacts: artifacts.slice(from, from + ARTIFACTS_OF_EVENT),
        mode: "add",
      });
    if (this.#summary !== undefined || Object.keys(this.#notes).length > 0)
      events.push({ event: "noted", stage, notes: { ...this.#notes }, summary: this.#summary });
    this.#notes = {};
    this.#summary = undefined;
    this.#parts = [];
    this.#lines = [];
    this.#characters = 0;
    this.#progress = undefined;
    this.#artifacts.clear();
    return events;
  }

  #takePartProgress(key: string): void {
    const progress = this.#partProgress.get(key);
    if (progress === undefined) return;
    this.#partProgress.delete(key);
    this.#parts.push({ event: "progress", stage: this.#stage, sub_stage: key, progress });
  }
}
