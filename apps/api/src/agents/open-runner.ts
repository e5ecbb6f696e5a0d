import { join } from "node:path";
import { type AgentRunnerDeps, createAgentRunner } from "@stagefold/agent-runner";
import {
  type Agent,
  type AgentRunner,
  type AgentVersion,
  DailySpending,
  StagefoldError,
} from "@stagefold/core";
import { type Model, type ModelSettings, openModel, type PriceTable, readPrices } from "@stagefold/models";
import type { Backend, Env } from "@stagefold/runtime";
import type { Logger } from "pino";

/** Runs the agents of an API, by its settings. */
export interface RunsAgents {
  readonly runner: AgentRunner;
  /** Errors: MODEL_NOT_CONFIGURED for an agent that needs a model which is not set here. */
  readonly requireRunnable: (agent: Agent, version: AgentVersion) => void;
}

/** `environment`: what the processes of agents inherit. Errors: PricesError. */
export async function openAgentRunner(
  env: Pick<Env, "model" | "modelPrices" | "budgetUsd" | "dataDir">,
  { repository, artifacts, records }: Pick<Backend, "repository" | "artifacts" | "records">,
  environment: Readonly<Record<string, string>>,
  log: Logger,
): Promise<RunsAgents> {
  const model = env.model && modelsOf(env.model, await readPrices(env.modelPrices));
  const { budgetUsd } = env;
  const spending = new DailySpending(records, repository.clock);
  const deps: AgentRunnerDeps = {
    artifacts,
    filesOf: async ({ project_id }) => await repository.artifactsOf(await repository.get(project_id)),
    folder: join(env.dataDir, "agents"),
    env: environment,
    secrets: { get: async () => new Map() },
    model: (name) => model?.(name),
    spending: {
      isOver: async () => budgetUsd !== undefined && (await spending.today()) >= budgetUsd,
      add: async (usd) => await spending.add(usd),
    },
    onProblem: ({ cause, message, ...of }) => log.warn({ ...of, err: cause }, message),
  };
  return {
    runner: createAgentRunner(deps),
    requireRunnable: ({ settings }, { kind }) => {
      if (kind !== "model" || deps.model(settings.model) !== undefined) return;
      const message =
        settings.model === "default"
          ? "This agent needs a language model, and STAGEFOLD_MODEL names none."
          : `This agent needs the language model ${settings.model}, which is none of the provider that is set here.`;
      throw new StagefoldError("MODEL_NOT_CONFIGURED", message, { model: settings.model });
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
