import {
  AgentRecords,
  type AgentRunner,
  type ArtifactStore,
  type ChangeFeed,
  ClaimBackoff,
  type ErrorCode,
  type LogStore,
  MemoryRecordStore,
  type RecordStore,
  type Repository,
} from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";
import { NO_TELEMETRY, type Telemetry } from "@stagefold/runtime/telemetry";
import { TurnEngine, type TurnEngineOptions } from "./agents/turn-engine.ts";
import { AnswerLinks } from "./answer-links/answer-links.ts";
import type { AuditSink } from "./auth/audit.ts";
import type { Auth } from "./auth/authenticate.ts";
import { LOCAL, type Principal } from "./auth/principal.ts";
import { DeleteOperations } from "./delete-operations.ts";
import { Schedules } from "./schedules/schedules.ts";
import { AgentStatistics } from "./statistics/agent-statistics.ts";
import { Statistics } from "./statistics/statistics.ts";
import { createWatch, type Watch } from "./watch/index.ts";
import { Deliveries } from "./webhooks/deliveries.ts";
import { createMailer, type MailSettings, type SendMail } from "./webhooks/mail.ts";
import { Monitor } from "./webhooks/monitor.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

/** What a running API says about itself. */
export interface SystemInfo {
  readonly version: string;
  /** Which store keeps the builds: `sqlite` or `dynamodb`. */
  readonly engine: string;
  /** Such as `20.19.0`. */
  readonly node_version: string;
  readonly started_at: string;
  /** The language model that agents use here, and whether its price is known. */
  readonly model: { readonly name: string; readonly priced: boolean } | null;
  /** USD that agents and builds may spend in a day of UTC. */
  readonly budget_usd: number | null;
}

/** One finished call, for metrics. */
export interface CallSeen {
  readonly procedure: string;
  readonly type: "query" | "mutation" | "subscription";
  readonly ok: boolean;
  /** Of the refusal, when it was one. */
  readonly code?: ErrorCode;
  readonly seconds: number;
}

/** What the procedures work with, from those who start the API. */
export interface ContextDeps {
  readonly repository: Repository;
  /** What changes, by whichever process. */
  readonly feed: ChangeFeed;
  /** What is no build; in memory where there is none. */
  readonly records?: RecordStore | undefined;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly pipelines: PipelineRegistry;
  readonly system?: Partial<SystemInfo>;
  readonly watch?: Watch;
  /** Who may ask; without it everybody is taken for this machine's user, and there are no keys. */
  readonly auth?: Auth | undefined;
  /** Runs agents; without one they are only read. */
  readonly runner?: AgentRunner | undefined;
  readonly requireRunnable?: TurnEngineOptions["requireRunnable"];
  /** Turns that run at the same time; 8 unless given. */
  readonly agentConcurrency?: number | undefined;
  /** Sessions without activity for so long are removed; kept unless given. */
  readonly sessionDays?: number | undefined;
  /** Called with what went wrong beside a turn. */
  readonly onTurnError?: ((error: unknown) => void) | undefined;
  /** Traces calls; without it nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  readonly onCall?: ((call: CallSeen) => void) | undefined;
  readonly onAuditError?: AuditSink["onAuditError"];
  /** Called when a program's attempt failed and another one is to follow. */
  readonly onStageRetry?: (() => void) | undefined;
  /** Called once for each project that a program's claim found unclaimable, such as one that cannot be read. */
  readonly onUnclaimable?: ((projectId: string, error: unknown) => void) | undefined;
  readonly onWebhookChange?: (() => void) | undefined;
  /** What browsers see behind a proxy; without one the API answers to its own address alone. */
  readonly publicUrl?: URL | undefined;
  /** The server that sends mail to webhooks that are addresses of mail. */
  readonly mail?: MailSettings | undefined;
  /** USD that may be spent on language models in a day, and builds of one user at once: what alerts are held against. */
  readonly budgetUsd?: number | undefined;
  readonly maxRunningPerUser?: number | undefined;
  /** A monotonic clock, in milliseconds. */
  readonly monotonic?: (() => number) | undefined;
}

export interface Context extends Omit<ContextDeps, "system" | "watch" | "onWebhookChange" | "telemetry"> {
  readonly telemetry: Telemetry;
  /** The trace that this call is part of: what it makes belongs to it. */
  readonly traceparent?: string | undefined;
  readonly system: SystemInfo;
  readonly watch: Watch;
  readonly statistics: Statistics;
  readonly deleteOperations: DeleteOperations;
  /** Who makes this call, and from which address. */
  readonly principal: Principal;
  readonly address?: string | undefined;
  /** The answer to this call outlives its caller's credentials: it says what becomes of them. */
  readonly outliveCredentials?: (() => void) | undefined;
  readonly schedules: Schedules;
  readonly webhooks: Webhooks;
  readonly deliveries: Deliveries;
  readonly answerLinks: AnswerLinks;
  readonly monitor: Monitor;
  readonly sendMail: SendMail | undefined;
  /** A webhook, or what is to be sent to it, was changed here. */
  readonly onWebhookChange: () => void;
  readonly agentRecords: AgentRecords;
  readonly turns: TurnEngine;
  readonly agentStatistics: AgentStatistics;
  /** Due builds that programs cannot claim. */
  readonly claimBackoff: ClaimBackoff;
}

/** One for the life of an API: it keeps what all callers share. Each request adds its own principal. */
export function createContextInner(deps: ContextDeps): Context {
  const records = deps.records ?? new MemoryRecordStore();
  const { clock } = deps.repository;
  const { artifacts, runner, requireRunnable, agentConcurrency: concurrency = 8, sessionDays } = deps;
  const agentRecords = new AgentRecords({ records, artifacts, clock, sessionDays });
  const onError = deps.onTurnError;
  const statistics = new Statistics(deps);
  return {
    ...deps,
    telemetry: deps.telemetry ?? NO_TELEMETRY,
    agentRecords,
    turns: new TurnEngine({
      records: agentRecords,
      artifacts,
      runner,
      requireRunnable,
      telemetry: deps.telemetry,
      concurrency,
      onError,
    }),
    agentStatistics: new AgentStatistics(agentRecords),
    watch: deps.watch ?? createWatch(deps),
    statistics,
    deleteOperations: new DeleteOperations(records, clock),
    schedules: new Schedules(records, clock),
    webhooks: new Webhooks(records, clock),
    deliveries: new Deliveries(records, clock),
    answerLinks: new AnswerLinks(records, clock),
    monitor: new Monitor({ ...deps, records, statistics }),
    sendMail: deps.mail && createMailer(deps.mail),
    onWebhookChange: deps.onWebhookChange ?? (() => undefined),
    principal: LOCAL,
    claimBackoff: new ClaimBackoff(),
    system: {
      version: "0.0.0",
      engine: "unknown",
      node_version: "unknown",
      started_at: deps.repository.now(),
      model: null,
      budget_usd: null,
      ...deps.system,
    },
  };
}
