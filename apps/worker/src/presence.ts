import { type Clock, type RecordStore, toTime } from "@stagefold/core";
import { definitionDigest, describeDefinition } from "@stagefold/pipeline";
import {
  DefinitionArchive,
  WORKER_BEAT_MS,
  WorkerDirectory,
  type WorkerEntry,
} from "@stagefold/runtime/worker-directory";
import type { Logger } from "pino";
import type { WorkerPipelines } from "./deps.ts";

export interface PresenceOptions {
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly pipelines: WorkerPipelines;
  readonly log: Logger;
  /** What the worker does now. */
  readonly about: () => Omit<WorkerEntry, "started_at" | "seen_at" | "pipelines" | "not_ready"> & {
    readonly not_ready: string | undefined;
  };
}

/** Says that a worker lives and what it has, for those who look after it. A store that is away changes nothing else. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #directory: WorkerDirectory;
  readonly #archive: DefinitionArchive;
  readonly #startedAt: string;
  readonly #kept = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#directory = new WorkerDirectory(options.records, options.clock);
    this.#archive = new DefinitionArchive(options.records, options.clock);
    this.#startedAt = toTime(options.clock.now());
  }

  start(): void {
    this.#timer = setInterval(() => this.#enqueue(), WORKER_BEAT_MS).unref();
    this.#enqueue();
  }

  pipelinesChanged(): void {
    if (this.#timer) this.#enqueue();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#last;
    const { owner } = this.#options.about();
    await this.#directory.withdraw(owner).catch((error: unknown) => this.#warn(error));
  }

  #enqueue(): void {
    this.#last = this.#last.then(() => this.#announce()).catch((error: unknown) => this.#warn(error));
  }

  async #announce(): Promise<void> {
    const all = this.#options.pipelines.list();
    for (const pipeline of all) {
      const digest = definitionDigest(pipeline);
      const name = `${pipeline.name} ${digest}`;
      if (this.#kept.has(name)) continue;
      await this.#archive.keep(pipeline.name, digest, describeDefinition(pipeline));
      this.#kept.add(name);
    }
    const pipelines = Object.fromEntries(all.map((pipeline) => [pipeline.name, definitionDigest(pipeline)]));
    const { not_ready, ...about } = this.#options.about();
    await this.#directory.announce({
      ...about,
      started_at: this.#startedAt,
      pipelines,
      ...(not_ready !== undefined && { not_ready }),
    });
  }

  #warn(error: unknown): void {
    this.#options.log.warn({ err: error }, "the worker could not say that it lives");
  }
}
