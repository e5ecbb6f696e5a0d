import type { ArtifactInput, LogLine, Notes, ReportEvent } from "@stagefold/core";
import type { ModelQuestion, ModelReply } from "@stagefold/pipeline";
import { type Deferred, deferred } from "../async.ts";
import type {
  PartEvent,
  StageArtifact,
  StageMetrics,
  StageReference,
  StageSink,
} from "../runner/protocol.ts";
import type { LeaseWriter } from "./lease-writer.ts";
import { LeaseLostError } from "./lease-writer.ts";

/** Characters of log that may wait for a write: beyond them the stage's output waits in its pipe. */
const MAX_PENDING_CHARACTERS = 4 * 1024 * 1024;
/** The same for lines, which may be empty: each costs a write more than its characters do. */
const MAX_PENDING_LINES = 40_000;

export interface ReportBufferOptions {
  /** The stage's key as the project has it. */
  readonly stage: string;
  readonly writer: LeaseWriter;
  /** What the stage says of figures is added here. */
  readonly sums: MetricSums;
  /** The present time in the stored form. */
  readonly now: () => string;
  /** How long what is said waits for more, in milliseconds: the least time between two writes. */
  readonly flushMs: number;
  readonly store: (artifact: StageArtifact) => Promise<ArtifactInput>;
  readonly ask: (question: ModelQuestion) => Promise<ModelReply>;
  /** A write was refused for a reason that only ending the stage can answer. */
  readonly onRefused: (error: unknown) => void;
}

export interface MetricSums {
  input_tokens?: number;
  output_tokens?: number;
  tool_calls?: number;
  cost_usd?: number;
  model_calls?: number;
  model?: string;
}

/** Takes what a stage says, and writes it down now and then. */
export class ReportBuffer implements StageSink {
  readonly #options: ReportBufferOptions;
  readonly #pending: PendingEvents;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #room: Deferred<void> | undefined;
  #takeBegun: (() => readonly LogLine[]) | undefined;
  /** What a refused write carried; the write that ends the stage takes it along. */
  #refused: ReportEvent[] = [];
  #closed = false;

  constructor(options: ReportBufferOptions) {
    this.#options = options;
    this.#pending = new PendingEvents(options.stage, options.now);
  }

  lines(lines: readonly LogLine[]): void {
    if (lines.length === 0) return;
    this.#pending.lines(lines);
    this.#later();
  }

  begun(take: () => readonly LogLine[]): void {
    this.#takeBegun = take;
    this.#later();
  }

  hasRoom(): boolean {
    if (this.#closed) return true;
    const { characters, lineCount } = this.#pending;
    return characters < MAX_PENDING_CHARACTERS && lineCount < MAX_PENDING_LINES;
  }

  room(): Promise<void> {
    if (this.hasRoom()) return Promise.resolve();
    this.#room ??= deferred<void>();
    return this.#room.promise;
  }

  progress(percent: number, part: string | undefined): void {
    this.#pending.progress(percent, part);
    this.#later();
  }

  metrics(values: StageMetrics): void {
    const { sums } = this.#options;
    for (const name of ["input_tokens", "output_tokens", "tool_calls", "cost_usd"] as const) {
      const value = values[name];
      if (value !== undefined) sums[name] = (sums[name] ?? 0) + value;
    }
  }

  part(event: PartEvent): void {
    this.#pending.part(event);
    this.#later();
  }

  ask(question: ModelQuestion): Promise<ModelReply> {
    return this.#options.ask(question);
  }

  noted({ notes, summary }: Parameters<StageSink["noted"]>[0]): void {
    this.#pending.noted(notes, summary);
    this.#later();
  }

  async artifact(artifact: StageArtifact): Promise<() => void> {
    const stored = await this.#options.store(artifact);
    return () => {
      this.#pending.artifact(stored);
      this.#later();
    };
  }

  reference(artifact: StageReference): void {
    this.#pending.artifact(artifact);
    this.#later();
  }

  /** Ends the writing now and then. Resolves with what no write has carried. */
  async close(): Promise<ReportEvent[]> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#makeRoom();
    await this.#writing;
    return [...this.#refused, ...this.#pending.take()];
  }

  #later(): void {
    if (this.#closed || this.#timer || this.#writing || this.#refused.length > 0) return;
    if (this.#pending.empty && this.#takeBegun === undefined) return;
    // From what is said first, not from the last write: a short stage then needs no write of its own.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write();
    }, this.#options.flushMs);
  }

  async #write(): Promise<void> {
    this.#pending.lines(this.#takeBegun?.() ?? []);
    this.#takeBegun = undefined;
    const events = this.#pending.take();
    try {
      if (events.length > 0) await this.#options.writer.write(events);
    } catch (error) {
      this.#refused = events;
      // The end of a lease ends the stage by itself.
      if (!(error instanceof LeaseLostError)) this.#options.onRefused(error);
    } finally {
      this.#writing = undefined;
      this.#makeRoom();
      this.#later();
    }
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

/** Lines of one log event. */
const LINES_OF_EVENT = 10_000;
/** Artifacts of one event. */
const ARTIFACTS_OF_EVENT = 10_000;

/** What a running stage has said and no write has carried yet, as few events as will do. */
class PendingEvents {
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
