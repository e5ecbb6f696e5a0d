import type { FromHost, StageFailure } from "../protocol.ts";

type Message = FromHost;

/** How often what only the latest of matters (progress, sums) is sent, in milliseconds. */
const GATHER_MS = 100;

interface Metrics {
  input_tokens?: number;
  output_tokens?: number;
  tool_calls?: number;
}

/** What one attempt says to the worker, gathered where only the latest matters. */
export class Channel {
  readonly job: string;
  readonly #progress = new Map<string | undefined, number>();
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
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

  /** Sends at once, after what was gathered before. */
  send(message: Message): void {
    this.flush();
    post(message);
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

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [part, percent] of this.#progress)
      post({ kind: "progress", job: this.job, percent, ...(part !== undefined && { sub_stage: part }) });
    this.#progress.clear();
    if (this.#metrics) post({ kind: "metrics", job: this.job, values: this.#metrics });
    this.#metrics = undefined;
  }

  #later(): void {
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }
}

/** To the worker. A channel that is closed means that the worker is gone, and so is this host in a moment. */
export function post(message: Message): void {
  if (process.connected) process.send?.(message);
}
