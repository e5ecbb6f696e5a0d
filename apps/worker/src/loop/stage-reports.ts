import type { ArtifactInput, ReportEvent } from "@stagefold/core";
import { type Deferred, deferred } from "../async.ts";
import { referenceEntry } from "../folder/artifact-intake.ts";
import type { HostArtifact, HostReference, PartEvent } from "../runner/protocol.ts";
import type { StageMetricValues, StageSink } from "../runner/stage-sink.ts";
import { Gathered } from "./gathered.ts";
import { LeaseOver } from "./lease-over.ts";
import type { ReportWriter } from "./report-writer.ts";

/** Characters of log that may wait for a write: beyond them the stage's output waits in its pipe. */
const WAITING_AT_MOST = 4 * 1024 * 1024;

export interface StageReportsOptions {
  /** The stage's key as the project has it. */
  readonly stage: string;
  readonly writer: ReportWriter;
  /** The present time in the stored form. */
  readonly now: () => string;
  /** How long what is said waits for more, in milliseconds: the least time between two writes. */
  readonly gatherMs: number;
  readonly store: (artifact: HostArtifact) => Promise<ArtifactInput>;
  /** A write was refused for a reason that only ending the stage can answer. */
  readonly onRefused: (error: unknown) => void;
}

export interface MetricSums {
  input_tokens?: number;
  output_tokens?: number;
  tool_calls?: number;
}

/** Takes what a stage says, and writes it down now and then. */
export class StageReports implements StageSink {
  readonly metricSums: MetricSums = {};
  readonly #options: StageReportsOptions;
  readonly #gathered: Gathered;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #room: Deferred<void> | undefined;
  /** What a refused write carried; the write that ends the stage takes it along. */
  #refused: ReportEvent[] = [];
  #closed = false;

  constructor(options: StageReportsOptions) {
    this.#options = options;
    this.#gathered = new Gathered(options.stage, options.now);
  }

  lines(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#gathered.lines(lines);
    this.#later();
  }

  hasRoom(): boolean {
    return this.#closed || this.#gathered.characters < WAITING_AT_MOST;
  }

  room(): Promise<void> {
    if (this.hasRoom()) return Promise.resolve();
    this.#room ??= deferred<void>();
    return this.#room.promise;
  }

  progress(percent: number, part: string | undefined): void {
    this.#gathered.progress(percent, part);
    this.#later();
  }

  metrics(values: StageMetricValues): void {
    for (const name of ["input_tokens", "output_tokens", "tool_calls"] as const) {
      const value = values[name];
      if (value !== undefined) this.metricSums[name] = (this.metricSums[name] ?? 0) + value;
    }
  }

  part(event: PartEvent): void {
    this.#gathered.part(event);
    this.#later();
  }

  async artifact(artifact: HostArtifact): Promise<void> {
    this.#gathered.artifact(await this.#options.store(artifact));
    this.#later();
  }

  reference(artifact: HostReference): void {
    this.#gathered.artifact(referenceEntry(artifact));
    this.#later();
  }

  /** Ends the writing now and then. Resolves with what no write has carried. */
  async close(): Promise<ReportEvent[]> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#makeRoom();
    await this.#writing;
    return [...this.#refused, ...this.#gathered.take()];
  }

  #later(): void {
    if (this.#closed || this.#timer || this.#writing || this.#refused.length > 0 || this.#gathered.empty)
      return;
    // From what is said first, not from the last write: a short stage then needs no write of its own.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write();
    }, this.#options.gatherMs);
  }

  async #write(): Promise<void> {
    const events = this.#gathered.take();
    try {
      await this.#options.writer.write(events);
    } catch (error) {
      this.#refused = events;
      // The end of a lease ends the stage by itself.
      if (!(error instanceof LeaseOver)) this.#options.onRefused(error);
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
