import type { ArtifactInput, LogLine, ReportEvent } from "@stagefold/core";
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
import { PendingEvents } from "./pending-events.ts";

/** Characters of log that may wait for a write: beyond them the stage's output waits in its pipe. */
const MAX_PENDING_CHARACTERS = 4 * 1024 * 1024;
/** The same for lines, which may be empty: each costs a write more than its characters do. */
const MAX_PENDING_LINES = 40_000;

export interface ReportBufferOptions {
  /** The stage's key as the project has it. */
  readonly stage: string;
  readonly writer: LeaseWriter;
  readonly buffers: ReportBuffers;
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

/** The buffers of the stages of a build that run at once: a write of one takes along what the others have. */
export class ReportBuffers {
  readonly open = new Set<ReportBuffer>();
}

/** What one buffer adds to a write. */
interface Part {
  readonly buffer: ReportBuffer;
  readonly events: ReportEvent[];
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
    options.buffers.open.add(this);
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
    this.#options.buffers.open.delete(this);
    clearTimeout(this.#timer);
    this.#makeRoom();
    await this.#writing;
    return [...this.#refused, ...this.#pending.take()];
  }

  #later(): void {
    if (this.#closed || this.#timer || this.#writing || this.#refused.length > 0) return;
    if (this.#pending.empty && this.#takeBegun === undefined) return;
    // From what is said first, not from the last write: a short stage then needs no write of its own.
    this.#timer = setTimeout(() => this.#writeAll(), this.#options.flushMs);
  }

  /** One write for all that the stages of the build have said meanwhile. */
  #writeAll(): void {
    const members = [...this.#options.buffers.open].filter((one) => one === this || one.#mayJoin());
    const writing = this.#send(members.map((buffer) => ({ buffer, events: buffer.#takeAll() })));
    for (const one of members) {
      clearTimeout(one.#timer);
      one.#timer = undefined;
      one.#writing = writing;
    }
    void writing.then(() => {
      for (const one of members) {
        one.#writing = undefined;
        one.#makeRoom();
        one.#later();
      }
    });
  }

  #mayJoin(): boolean {
    return !this.#closed && this.#writing === undefined && this.#refused.length === 0;
  }

  #takeAll(): ReportEvent[] {
    this.#pending.lines(this.#takeBegun?.() ?? []);
    this.#takeBegun = undefined;
    return this.#pending.take();
  }

  /** Never rejects. What is refused together is sent one by one, to learn whose it is. */
  async #send(parts: readonly Part[]): Promise<void> {
    const said = parts.filter(({ events }) => events.length > 0);
    if (said.length === 0) return;
    try {
      await this.#options.writer.write(said.flatMap(({ events }) => events));
    } catch (error) {
      if (said.length > 1 && !(error instanceof LeaseLostError)) {
        for (const part of said) await this.#send([part]);
        return;
      }
      for (const { buffer, events } of said) buffer.#refuse(events, error);
    }
  }

  #refuse(events: ReportEvent[], error: unknown): void {
    this.#refused = events;
    // The end of a lease ends the stage by itself.
    if (!(error instanceof LeaseLostError)) this.#options.onRefused(error);
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
