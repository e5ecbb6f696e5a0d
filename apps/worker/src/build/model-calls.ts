import { createHash } from "node:crypto";
import {
  type ArtifactStore,
  type AttemptRef,
  type DailySpending,
  type ModelCall,
  NOTHING_SPENT,
  type Project,
  readModelCalls,
  roundedCost,
  writeModelCalls,
} from "@stagefold/core";
import { type Model, ModelError, parseJsonAnswer, type TokenUsage, unpriced } from "@stagefold/models";
import type { SecretMask } from "@stagefold/node-files";
import { type ModelQuestion, type ModelReply, StageError } from "@stagefold/pipeline";
import { type Span, type Telemetry, tracedModelCall } from "@stagefold/runtime/telemetry";
import { z } from "zod";
import type { MetricSums } from "./report-buffer.ts";

/** What one answer may take, in milliseconds. */
const CALL_MS = 5 * 60_000;
/** When a stage is tried again after a limit of the provider. */
const LIMIT_RETRY_SECONDS = 60;
const NO_TOKENS: TokenUsage = { input_tokens: 0, output_tokens: 0, cached_tokens: 0, cache_write_tokens: 0 };

/** A build's own limits; each may be missing. */
const limitsSchema = z.looseObject({ cost_usd: z.number().optional(), tokens: z.number().optional() });

/** A call as it ended; its number, model and mark of reuse are added. */
interface EndedCall extends Figures {
  readonly at: string;
  readonly purpose: string;
  readonly digest: string;
  readonly system: string | undefined;
  readonly messages: readonly { readonly role: string; readonly text: string }[];
  readonly schema: Readonly<Record<string, unknown>>;
  readonly status: "completed" | "failed";
  readonly reused?: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly answer?: string;
}

interface Figures {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cost_usd: number | null;
  readonly duration_ms: number;
}

/** What a worker needs to ask a language model for its stages. */
export interface ModelAccess {
  readonly model: Model;
  readonly spending: DailySpending;
  /** USD that builds and agents may spend in a day of UTC; no limit where absent. */
  readonly budgetUsd?: number | undefined;
  /** What this worker asks it with: never kept. */
  readonly secrets: readonly string[];
}

export interface ModelCallsOptions {
  /** Hides the secrets of the worker and of the stage in what is kept. */
  readonly mask: SecretMask;
  readonly access: ModelAccess;
  readonly attempt: AttemptRef;
  readonly artifacts: ArtifactStore;
  /** As it is known now. */
  readonly project: () => Project;
  /** Sums of this attempt, which each call adds to. */
  readonly sums: MetricSums;
  readonly buildSpending: BuildSpending;
  readonly telemetry: Telemetry;
  /** Of the attempt, whose calls these are. */
  readonly span: Span;
  readonly now: () => string;
  /** Called with what the calls could not be kept or counted for: the answers are given all the same. */
  readonly onError: (error: unknown) => void;
}

/**
 * What the attempts of a build that run at once have used and no write has carried yet. Where spending is limited, a call
 * of one waits for that of another, so that none is one too many.
 */
export class BuildSpending {
  /** By stage. */
  readonly running = new Map<string, { readonly attempt: number; readonly sums: MetricSums }>();
  turn: Promise<unknown> = Promise.resolve();
}

/** The calls of the language model that one attempt of a stage makes. */
export class ModelCalls {
  readonly #options: ModelCallsOptions;
  readonly #abort = new AbortController();
  readonly #calls: ModelCall[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #paid: Promise<Map<string, string>> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ModelCallsOptions) {
    this.#options = options;
    const { buildSpending, attempt, sums } = options;
    buildSpending.running.set(attempt.stage, { attempt: attempt.attempt, sums });
  }

  /** Errors: StageError. */
  ask(question: ModelQuestion): Promise<ModelReply> {
    const { buildSpending } = this.#options;
    const begun = this.#isLimited ? buildSpending.turn.then(() => this.#ask(question)) : this.#ask(question);
    const over = begun.catch(() => undefined);
    if (this.#isLimited) buildSpending.turn = over;
    const settled: Promise<unknown> = over.then(() => this.#running.delete(settled));
    this.#running.add(settled);
    return begun;
  }

  /** Ends what still runs. What was used is in the sums, and kept, when this resolves. */
  async close(): Promise<void> {
    this.#abort.abort(new StageError("The stage has ended."));
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#writing;
  }

  get #limits() {
    const parsed = limitsSchema.safeParse(this.#options.project().limits);
    return parsed.success ? parsed.data : {};
  }

  get #isLimited(): boolean {
    const { cost_usd, tokens } = this.#limits;
    return this.#options.access.budgetUsd !== undefined || cost_usd !== undefined || tokens !== undefined;
  }

  async #ask(question: ModelQuestion): Promise<ModelReply> {
    const { access, now } = this.#options;
    this.#abort.signal.throwIfAborted();
    const { purpose, system, messages, schema, max_output_tokens } = question;
    const request = [access.model.name, system ?? null, messages, schema, max_output_tokens ?? null];
    const digest = createHash("sha256").update(JSON.stringify(request)).digest("hex");
    const about = { at: now(), purpose, digest, system, messages, schema };
    this.#paid ??= this.#earlierAnswers();
    const paid = (await this.#paid).get(digest);
    if (paid !== undefined) {
      await this.#keep({
        ...about,
        reused: true,
        status: "completed",
        answer: paid,
        ...figures(NO_TOKENS, 0, 0),
      });
      return replyOf(paid);
    }
    await this.#requireBudget();
    const started = performance.now();
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(CALL_MS)]);
    try {
      const { telemetry, span } = this.#options;
      const ask = () =>
        access.model.object({
          system,
          messages: messages.map(({ role, text }) => ({ role, text })),
          // The stage checks the answer: here its schema is data.
          schema: z.unknown().meta(schema),
          maxOutputTokens: max_output_tokens,
          signal,
        });
      const answer = await telemetry.within(span, () => tracedModelCall(telemetry, access.model.name, ask));
      const { text, usage, duration_ms } = answer;
      (await this.#paid).set(digest, text);
      await this.#keep({
        ...about,
        status: "completed",
        answer: text,
        ...figures(usage, usage.cost_usd, duration_ms),
      });
      return replyOf(text);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      const { code, message, text, usage, cost_usd } = error;
      const used = figures(usage ?? NO_TOKENS, cost_usd, Math.round(performance.now() - started));
      const said = text === undefined ? {} : { answer: text };
      // An answer without JSON is one that the stage may have repaired.
      if (code === "OUTPUT_INVALID" && text !== undefined) {
        await this.#keep({ ...about, status: "completed", ...said, ...used });
        return { text };
      }
      await this.#keep({ ...about, status: "failed", code, message, ...said, ...used });
      throw stageErrorOf(error);
    }
  }

  async #requireBudget(): Promise<void> {
    const { access, project, buildSpending } = this.#options;
    const { budgetUsd, spending } = access;
    const limits = this.#limits;
    const bound = limits.cost_usd !== undefined ? "The build's limit" : "The day's budget";
    const isBound = limits.cost_usd !== undefined || budgetUsd !== undefined;
    const without = isBound ? unpriced(access.model, bound) : undefined;
    if (without !== undefined) throw new StageError(without, { code: "MODEL_NOT_CONFIGURED", final: true });
    const spent = spentOf(project(), buildSpending);
    if (limits.cost_usd !== undefined && spent.cost_usd >= limits.cost_usd)
      throw overBudget(`The build has spent ${usd(spent.cost_usd)} of its ${usd(limits.cost_usd)}.`);
    if (limits.tokens !== undefined && spent.tokens >= limits.tokens)
      throw overBudget(`The build has used ${spent.tokens} of its ${limits.tokens} tokens.`);
    if (budgetUsd === undefined) return;
    const today = await spending.today();
    if (today >= budgetUsd) throw overBudget(`Today's budget of ${usd(budgetUsd)} is used up.`);
  }

  /** What earlier attempts of this stage have paid for: the newest answer to each request. */
  async #earlierAnswers(): Promise<Map<string, string>> {
    const { attempt, artifacts, onError } = this.#options;
    const answers = new Map<string, string>();
    for (let number = 1; number < attempt.attempt; number++) {
      try {
        for (const { digest, status, answer } of await readModelCalls(
          { ...attempt, attempt: number },
          artifacts,
        ))
          if (status === "completed" && answer !== undefined) answers.set(digest, answer);
      } catch (error) {
        // Then they are paid for again.
        onError(error);
      }
    }
    return answers;
  }

  /** Counts a call and keeps it. */
  async #keep(call: EndedCall): Promise<void> {
    const { access, attempt, artifacts, mask, sums, onError } = this.#options;
    const { model, spending } = access;
    sums.model = model.name;
    if (call.reused !== true) {
      sums.model_calls = (sums.model_calls ?? 0) + 1;
      sums.input_tokens = (sums.input_tokens ?? 0) + call.input_tokens;
      sums.output_tokens = (sums.output_tokens ?? 0) + call.output_tokens;
      sums.cost_usd = Math.round(((sums.cost_usd ?? 0) + (call.cost_usd ?? 0)) * 1e8) / 1e8;
    }
    const { messages, ...masked } = mask.value(call);
    this.#calls.push({
      ...masked,
      messages: [...messages],
      call: this.#calls.length + 1,
      model: model.name,
      reused: call.reused ?? false,
    });
    const all = [...this.#calls];
    this.#writing = this.#writing.then(() => writeModelCalls(attempt, all, artifacts)).catch(onError);
    await Promise.all([this.#writing, spending.add(call.cost_usd ?? 0).catch(onError)]);
  }
}

function figures(usage: TokenUsage, cost_usd: number | null, duration_ms: number): Figures {
  const { input_tokens, output_tokens, cached_tokens } = usage;
  return { input_tokens, output_tokens, cached_tokens, cost_usd, duration_ms };
}

/** What the item has counted of attempts that ended, and the sums of those that run, which no write has carried yet. */
function spentOf({ spent = NOTHING_SPENT, stages_snapshot }: Project, { running }: BuildSpending) {
  let { cost_usd, tokens } = spent;
  for (const { stage, status, attempt } of stages_snapshot.stages) {
    const own = running.get(stage);
    if (status !== "running" || own?.attempt !== attempt) continue;
    cost_usd += own.sums.cost_usd ?? 0;
    tokens += (own.sums.input_tokens ?? 0) + (own.sums.output_tokens ?? 0);
  }
  return { cost_usd: roundedCost(cost_usd), tokens };
}

function replyOf(text: string): ModelReply {
  try {
    return { text, value: parseJsonAnswer(text) };
  } catch {
    return { text };
  }
}

const usd = (value: number): string => `$${Number(value.toPrecision(6))}`;

function overBudget(message: string): StageError {
  return new StageError(`${message} No further call of the language model is made.`, {
    code: "BUDGET_EXCEEDED",
    final: true,
  });
}

function stageErrorOf(error: ModelError): StageError {
  const { code, message } = error;
  switch (code) {
    case "MODEL_REFUSED":
      return new StageError(message, { code, final: true });
    case "MODEL_LIMIT":
      return new StageError(message, { code, retry_in_seconds: LIMIT_RETRY_SECONDS });
    case "AGENT_TIMEOUT":
      return new StageError(message, { code: "STAGE_TIMEOUT" });
    default:
      return new StageError(message, { code });
  }
}
