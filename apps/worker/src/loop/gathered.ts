import type { ArtifactInput, ReportEvent } from "@stagefold/core";
import type { PartEvent } from "../runner/protocol.ts";

/** Lines of one log event. */
const LINES_OF_EVENT = 10_000;

/** What a running stage has said and no write has carried yet, as few events as will do. */
export class Gathered {
  readonly #stage: string;
  readonly #now: () => string;
  #parts: ReportEvent[] = [];
  #lines: string[] = [];
  #characters = 0;
  #progress: number | undefined;
  #highest = 0;
  readonly #partProgress = new Map<string, number>();
  #artifacts: ArtifactInput[] = [];

  /** `stage` as the project names it; `now` gives the present time in the stored form. */
  constructor(stage: string, now: () => string) {
    this.#stage = stage;
    this.#now = now;
  }

  get empty(): boolean {
    return (
      this.#characters === 0 &&
      this.#parts.length === 0 &&
      this.#artifacts.length === 0 &&
      this.#progress === undefined &&
      this.#partProgress.size === 0
    );
  }

  /** Characters of the log that wait. */
  get characters(): number {
    return this.#characters;
  }

  lines(lines: readonly string[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      this.#characters += line.length + 1;
    }
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
    this.#artifacts = [...this.#artifacts.filter((other) => other.path !== artifact.path), artifact];
  }

  /** Everything, in an order in which each event is possible; nothing is left. */
  take(): ReportEvent[] {
    const stage = this.#stage;
    for (const key of [...this.#partProgress.keys()]) this.#takePartProgress(key);
    const events = [...this.#parts];
    for (let from = 0; from < this.#lines.length; from += LINES_OF_EVENT)
      events.push({ event: "log", stage, lines: this.#lines.slice(from, from + LINES_OF_EVENT) });
    if (this.#progress !== undefined) events.push({ event: "progress", stage, progress: this.#progress });
    if (this.#artifacts.length > 0)
      events.push({ event: "artifacts", stage, artifacts: this.#artifacts, mode: "add" });
    this.#parts = [];
    this.#lines = [];
    this.#characters = 0;
    this.#progress = undefined;
    this.#artifacts = [];
    return events;
  }

  #takePartProgress(key: string): void {
    const progress = this.#partProgress.get(key);
    if (progress === undefined) return;
    this.#partProgress.delete(key);
    this.#parts.push({ event: "progress", stage: this.#stage, sub_stage: key, progress });
  }
}
