import type { RunnerMessage, StageFailure } from "../protocol.ts";

type Message = RunnerMessage;

/** How long what nobody waits for (progress, sums, references) is gathered, in milliseconds: a message costs both sides. */
const GATHER_MS = 100;

interface Metrics {
  input_tokens?: number;
  output_tokens?: number;
  tool_calls?: number;
}

/** What one attempt says to the worker, gathered where nobody waits for it. */
export class Channel {
  readonly job: string;
  readonly #progress = new Map<string | undefined, number>();
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #references: Message[] = [];
  #metrics: Metrics | undefined;
  #timer: NodeJS.Timeout | undefined;
  #requests = 0;

  constructor(job: string) {
    this.job = job;
  }

  progress(percent: number, part?: string): void {
    this.#progress.set(part, Math.max(percent, this.#progress.get(part) ?? 0));
    this.#later();
  }

  metrics(values: Metrics): void {
    const sums = this.#metrics ?? {};
    for (const name of ["input_tokens", "output_tokens", "tool_calls"] as const) {
      const value = values[name];
      if (value !== undefined) sums[name] = (sums[name] ?? 0) + value;
    }
    this.#metrics = sums;
    this.#later();
  }

  reference(artifact: Extract<Message, { kind: "reference" }>["artifact"]): void {
    this.#references.push({ kind: "reference", job: this.job, artifact });
    this.#later();
  }

  /** Sends at once, with what was gathered before. */
  send(message: Message): void {
    post([...this.#take(), message]);
  }

  /** Asks the worker to store a file; resolves when it has, rejects with its reason when it refuses. */
  request(artifact: Extract<Message, { kind: "artifact" }>["artifact"]): Promise<void> {
    const request = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject });
      this.send({ kind: "artifact", job: this.job, request, artifact });
    });
  }

  answered(request: number, error?: Error): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  failed(failure: StageFailure, clean: boolean): void {
    this.send({ kind: "failed", job: this.job, failure, clean });
  }

  /** What is gathered waits for the next message, however long: no timer of this channel is left. */
  hold(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #take(): Message[] {
    this.hold();
    const { job } = this;
    const taken = this.#references;
    for (const [part, percent] of this.#progress)
      taken.push({ kind: "progress", job, percent, ...(part !== undefined && { sub_stage: part }) });
    if (this.#metrics) taken.push({ kind: "metrics", job, values: this.#metrics });
    this.#references = [];
    this.#progress.clear();
    this.#metrics = undefined;
    return taken;
  }

  #later(): void {
    this.#timer ??= setTimeout(() => post(this.#take()), GATHER_MS);
  }
}

/** To the worker. A channel that is closed means that the worker is gone, and so is this runner in a moment. */
export function post(messages: readonly Message[]): void {
  if (process.connected) process.send?.(messages);
}
