import type { Notes } from "@stagefold/core";
import { type ModelQuestion, type ModelReply, StageError } from "@stagefold/pipeline";
import { z } from "zod";
import {
  MAX_BATCH,
  modelQuestionSchema,
  type RunnerMessage,
  type StageArtifact,
  type StageFailure,
  type StageReference,
  type WorkerMessage,
} from "../protocol.ts";

/** How long what no code waits for (progress, sums, references) is kept back, in milliseconds: a message costs both sides. */
const GATHER_MS = 100;

interface Metrics {
  input_tokens?: number;
  output_tokens?: number;
  tool_calls?: number;
  cost_usd?: number;
}

interface Waiting {
  readonly artifact: StageArtifact;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What one attempt says to the worker, coalesced where no code waits for it. */
export class Channel {
  readonly job: string;
  readonly #progress = new Map<string | undefined, number>();
  /** Artifacts that no request has named yet, and the requests that the worker has not answered. */
  #unsent: Waiting[] = [];
  readonly #requested = new Map<number, readonly Waiting[]>();
  #references: RunnerMessage[] = [];
  #metrics: Metrics | undefined;
  #notes: Notes | undefined;
  #summary: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #questions = new Map<
    number,
    { resolve: (reply: ModelReply) => void; reject: (error: Error) => void }
  >();
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
    for (const name of ["input_tokens", "output_tokens", "tool_calls", "cost_usd"] as const) {
      const value = values[name];
      if (value !== undefined) sums[name] = (sums[name] ?? 0) + value;
    }
    this.#metrics = sums;
    this.#later();
  }

  noted(notes: Notes, summary?: string): void {
    this.#notes = { ...this.#notes, ...notes };
    this.#summary = summary ?? this.#summary;
    this.#later();
  }

  reference(artifact: StageReference): void {
    this.#references.push({ kind: "reference", job: this.job, artifact });
    this.#later();
  }

  /** Sends at once, with what was said before. */
  send(message: RunnerMessage): void {
    post([...this.#take(), message]);
  }

  /** Asks the worker to store a file; resolves when it has, rejects with its reason when it refuses. */
  store(artifact: StageArtifact): Promise<void> {
    return new Promise((resolve, reject) => {
      // Files that are given in one turn of the loop share a request.
      if (this.#unsent.length === 0) setImmediate(() => this.#request());
      this.#unsent.push({ artifact, resolve, reject });
    });
  }

  stored(request: number, refused: readonly { readonly index: number; readonly message: string }[]): void {
    const waiting = this.#requested.get(request) ?? [];
    this.#requested.delete(request);
    for (const { index, message } of refused) waiting[index]?.reject(new Error(message));
    for (const { resolve } of waiting) resolve();
  }

  /** Asks the worker's language model; rejects with a StageError. */
  ask(question: ModelQuestion): Promise<ModelReply> {
    return new Promise((resolve, reject) => {
      const request = ++this.#requests;
      this.#questions.set(request, { resolve, reject });
      this.send({ kind: "ask", job: this.job, request, question: askedQuestion(question) });
    });
  }

  answered({ request, reply, failure }: Answered): void {
    const asked = this.#questions.get(request);
    this.#questions.delete(request);
    if (reply) asked?.resolve({ text: reply.text, value: reply.value });
    else {
      const { message = "The language model gave no answer.", ...options } = failure ?? {};
      asked?.reject(new StageError(message, withoutUndefined(options)));
    }
  }

  #request(): void {
    const all = this.#unsent;
    this.#unsent = [];
    for (let from = 0; from < all.length; from += MAX_BATCH) {
      const batch = all.slice(from, from + MAX_BATCH);
      const request = ++this.#requests;
      this.#requested.set(request, batch);
      const artifacts = batch.map(({ artifact }) => artifact);
      this.send({ kind: "artifacts", job: this.job, request, artifacts });
    }
  }

  /** What is gathered waits for the next message, however long: no timer of this channel is left. */
  hold(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #take(): RunnerMessage[] {
    this.hold();
    const { job } = this;
    const taken = this.#references;
    for (const [part, percent] of this.#progress)
      taken.push({ kind: "progress", job, percent, ...(part !== undefined && { sub_stage: part }) });
    if (this.#notes) taken.push({ kind: "noted", job, notes: { ...this.#notes }, summary: this.#summary });
    this.#notes = undefined;
    this.#summary = undefined;
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

type Answered = Extract<WorkerMessage, { kind: "answered" }>;

/** Checked where it is asked, so that the stage learns of it there. */
function askedQuestion(question: ModelQuestion): z.output<typeof modelQuestionSchema> {
  const parsed = modelQuestionSchema.safeParse(question);
  if (parsed.success) return parsed.data;
  throw new StageError(`A question to the language model: ${z.prettifyError(parsed.error)}`);
}

function withoutUndefined({
  code,
  final,
  retry_in_seconds,
}: Omit<StageFailure, "message" | "code"> & { code?: string }) {
  return {
    ...(code !== undefined && { code }),
    ...(final !== undefined && { final }),
    ...(retry_in_seconds !== undefined && { retry_in_seconds }),
  };
}

/** To the worker. A channel that is closed means that the worker is gone, and so is this runner in a moment. */
export function post(messages: readonly RunnerMessage[]): void {
  if (process.connected) process.send?.(messages);
}
