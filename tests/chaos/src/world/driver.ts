import { isStagefoldError, type Plan, type Repository } from "@stagefold/core";
import { persist } from "./patience.ts";
import { GATE } from "./pipeline.ts";

export const USERS = ["ada", "bo", "cy"] as const;
export const AGENTS = ["agent_000000000001", "agent_000000000002"] as const;

/**
 * The person at the dashboard, behind a network of the same kind as the workers: repeats under the same key or
 * operation until there is an answer.
 */
export class Driver {
  readonly #repository: Repository;
  readonly #plans: readonly Plan[];
  readonly #world: string;
  /** Whose answers were acknowledged, by build. */
  readonly answers = new Map<string, string[]>();
  #operations = 0;

  /**
   * `plans`: the builds have them in turn. `world`: what no other world on this machine is called. Ids come from the keys of creates, and processes of a stage
   * are known by its build's id: builds of the same id would end each other's.
   */
  constructor(repository: Repository, plans: readonly Plan[], world: string) {
    this.#repository = repository;
    this.#plans = plans;
    this.#world = world;
  }

  /** A build of a number that is its own. */
  async create(n: number): Promise<string> {
    const plan = this.#plans[n % this.#plans.length];
    if (!plan) throw new Error("expected a plan");
    const request = {
      requirement: `chaos ${n}`,
      pipeline: plan.pipeline,
      user_id: USERS[n % USERS.length],
      agent_id: AGENTS[n % AGENTS.length],
      priority: 1 + (n % 5),
      idempotency_key: `${this.#world} ${n}`,
    };
    const { project_id } = await persist(() => this.#repository.control.create(request, plan));
    return project_id;
  }

  /** Each is false when the project is in a state in which that cannot be done. */
  pause(id: string): Promise<boolean> {
    return this.#change((operation) => this.#repository.control.pause(id, operation));
  }

  resume(id: string): Promise<boolean> {
    return this.#change((operation) => this.#repository.control.resume(id, operation));
  }

  cancel(id: string): Promise<boolean> {
    return this.#change((operation) => this.#repository.control.cancel(id, operation));
  }

  retry(id: string): Promise<boolean> {
    return this.#change((operation) => this.#repository.control.retry(id, {}, operation));
  }

  /** Two people answer at once, each with an answer of their own. False where nothing is asked. */
  async answer(id: string): Promise<boolean> {
    const known = await persist(() => this.#repository.get(id)).catch((error: unknown) => {
      if (isStagefoldError(error, "PROJECT_NOT_FOUND")) return undefined;
      throw error;
    });
    if (known?.status !== "waiting") return false;
    const taken = await Promise.all([this.#answerAs(id), this.#answerAs(id)]);
    return taken.includes(true);
  }

  async #answerAs(id: string): Promise<boolean> {
    this.#operations += 1;
    const by = `person ${this.#operations}`;
    const given = { stage: GATE, value: { by } };
    try {
      await persist(() => this.#repository.control.answer(id, given, by));
    } catch (error) {
      if (isStagefoldError(error, "STAGE_CONFLICT") || isStagefoldError(error, "PROJECT_NOT_FOUND"))
        return false;
      throw error;
    }
    this.answers.set(id, [...(this.answers.get(id) ?? []), by]);
    return true;
  }

  async delete(id: string): Promise<void> {
    this.answers.delete(id);
    try {
      await persist(() => this.#repository.control.delete(id));
    } catch (error) {
      // An earlier try took effect and its reply was lost.
      if (!isStagefoldError(error, "PROJECT_NOT_FOUND")) throw error;
    }
  }

  async #change(write: (operation: string) => Promise<unknown>): Promise<boolean> {
    this.#operations += 1;
    const operation = `operation ${this.#operations}`;
    try {
      await persist(() => write(operation));
      return true;
    } catch (error) {
      if (isStagefoldError(error, "PROJECT_CONFLICT")) return false;
      throw error;
    }
  }
}
