import { join } from "node:path";
import { type AgentRunnerDeps, createAgentRunner } from "@stagefold/agent-runner";
import {
  type Agent,
  type AgentRunner,
  type AgentVersion,
  DailySpending,
  StagefoldError,
} from "@stagefold/core";
import {
  type Model,
  type ModelSettings,
  openModel,
  type PriceTable,
  readPrices,
  unpriced,
} from "@stagefold/models";
import type { Backend, Env } from "@stagefold/runtime";
import { secretsOfModel } from "@stagefold/runtime/env";
import { secretSource } from "@stagefold/runtime/secrets";
import type { Telemetry } from "@stagefold/runtime/telemetry";
import type { Logger } from "pino";
import type { SystemInfo } from "../context.ts";
import { traceOf } from "./traced-turn.ts";

/** Runs the agents of an API, by its settings. */
export interface RunsAgents {
  readonly runner: AgentRunner;
  /** Errors: MODEL_NOT_CONFIGURED for an agent that needs a model which is not set here, or whose cost is not known. */
  readonly requireRunnable: (agent: Agent, version: AgentVersion) => void;
  /** What the API says about itself. */
  readonly system: Pick<SystemInfo, "model" | "budget_usd">;
}

/**
 * `inherited`: what the processes of agents find in their environment; `given`: the secrets that this one has.
 * Errors: PricesError.
 */
export async function openAgentRunner(
  env: Pick<Env, "model" | "modelPrices" | "budgetUsd" | "dataDir" | "secrets" | "agentSecrets">,
  { repository, artifacts, records }: Pick<Backend, "repository" | "artifacts" | "records">,
  { inherited, given }: Readonly<Record<"inherited" | "given", Readonly<Record<string, string>>>>,
  telemetry: Telemetry,
  log: Logger,
): Promise<RunsAgents> {
  const model = env.model && modelsOf(env.model, await readPrices(env.modelPrices));
  const { budgetUsd } = env;
  const standard = model?.("default");
  const without = standard && budgetUsd !== undefined ? unpriced(standard, "The day's budget") : undefined;
  if (without !== undefined) log.warn(without);
  const spending = new DailySpending(records, repository.clock);
  const deps: AgentRunnerDeps = {
    artifacts,
    filesOf: async ({ project_id }) => await repository.artifactsOf(await repository.get(project_id)),
    folder: join(env.dataDir, "agents"),
    env: inherited,
    secrets: secretSource({ given, from: env.secrets, only: env.agentSecrets }),
    modelSecrets: env.model ? secretsOfModel(env.model) : [],
    model: (name) => model?.(name),
    spending: {
      isOver: async () => budgetUsd !== undefined && (await spending.today()) >= budgetUsd,
      add: async (usd) => await spending.add(usd),
    },
    trace: traceOf(telemetry),
    onProblem: ({ cause, message, ...of }) => log.warn({ ...of, err: cause }, message),
  };
  return {
    runner: createAgentRunner(deps),
    requireRunnable: ({ settings }, { kind }) => {
      if (kind !== "model") return;
      const found = deps.model(settings.model);
      const without = found && budgetUsd !== undefined ? unpriced(found, "The day's budget") : undefined;
      if (found && without === undefined) return;
      const message =
        without ??
        (settings.model === "default"
          ? "This agent needs a language model, and STAGEFOLD_MODEL names none."
          : `This agent needs the language model ${settings.model}, which is none of the provider that is set here.`);
      throw new StagefoldError("MODEL_NOT_CONFIGURED", message, { model: settings.model });
    },
    system: {
      model: standard ? { name: standard.name, priced: standard.prices.known } : null,
      budget_usd: budgetUsd ?? null,
    },
  };
}

/** `default` is the model that is set; another one of the same provider has its key. */
function modelsOf(settings: ModelSettings, prices: PriceTable): (name: string) => Model | undefined {
  const opened = new Map<string, Model>();
  return (name) => {
    const [provider, other] = [`${settings.provider}:`, name.slice(settings.provider.length + 1)];
    if (name !== "default" && (!name.startsWith(provider) || other === "")) return undefined;
    const model = name === "default" ? settings.model : other;
    const found = opened.get(model) ?? openModel({ ...settings, model }, { prices });
    opened.set(model, found);
    return found;
  };
}
