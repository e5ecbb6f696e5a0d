// What the API takes and answers, inferred from its router. `scripts/declare.mjs` writes these types out for what is
// published, so that a program needs neither the server's packages nor its schemas.
import type { AppRouter } from "@stagefold/api/router";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";

type Procedures = AppRouter["_def"]["record"];
type Answers = inferRouterOutputs<AppRouter>;

/** What an event of a subscription carries, without the id that it is resumed by. */
type Data<Answer> =
  Answer extends AsyncIterable<infer Event> ? Extract<Event, { data: unknown }>["data"] : Answer;

/** The fields that are declared. Where a stage may add fields of its own, those too. */
type Declared<T> = T extends readonly (infer Item)[]
  ? Declared<Item>[]
  : T extends object
    ? {
        [Name in keyof T as unknown extends T[Name]
          ? string extends Name
            ? never
            : number extends Name
              ? never
              : Name
          : Name]: Name extends "output_data" | "metrics" | "metadata" | "notes"
          ? T[Name]
          : Declared<T[Name]>;
      }
    : T;

type KindOf<Procedure> = Procedure extends { _def: { type: infer Kind } } ? Kind : never;

/** How each procedure is called. */
export type Kinds = {
  [Group in keyof Answers]: {
    [Name in keyof Answers[Group]]: KindOf<Procedures[Group][Name & keyof Procedures[Group]]>;
  };
};

/** What each procedure takes. */
export type Inputs = inferRouterInputs<AppRouter>;

/** What each procedure answers; of a subscription, one event. */
export type Outputs = {
  [Group in keyof Answers]: { [Name in keyof Answers[Group]]: Declared<Data<Answers[Group][Name]>> };
};

/** A refusal as it is on the wire: its code, and what comes with it. */
export type WireError = AppRouter["_def"]["_config"]["$types"]["errorShape"]["data"]["stagefold"];

/** One build: everything that is known of it. `status` says what must be there. */
export type Project = Outputs["projects"]["get"];
/** Where a build stands. It has ended with `completed`, `failed` and `cancelled`. */
export type ProjectStatus = Project["status"];
/** What a list shows of a project. */
export type ProjectSummary = Outputs["projects"]["list"]["items"][number];
/** Written once, when a build ends. */
export type BuildSummary = NonNullable<ProjectSummary["build_summary"]>;
/** Why a build failed. */
export type ErrorInfo = NonNullable<ProjectSummary["error_info"]>;
/** Why a stage failed. */
export type FailureCode = ErrorInfo["code"];
/** One stage of a build. `status` says what must be there. */
export type Stage = Project["stages_snapshot"]["stages"][number];
export type StageStatus = Stage["status"];
/** A stage's artifacts, and beside them whatever the stage itself returned. */
export type OutputData = Stage["output_data"];
/** Sums over a stage; a stage may add figures of its own. */
export type Metrics = Stage["metrics"];
export type SubStage = Stage["sub_stages"][string];
/** One attempt at a stage. */
export type HistoryEntry = Outputs["stages"]["get"]["attempts"][number];
/** One call of a language model by a stage: question, answer, tokens, cost. */
export type ModelCall = Outputs["stages"]["calls"]["items"][number];
/** One entry of a log: a line, or a piece of one where `end` says so. `LogLines` puts lines together. */
export type LogLine = Outputs["stages"]["logs"]["items"][number];
/** New lines of a watched log. */
export type LogChange = Outputs["stages"]["watchLogs"];
/** One artifact as every list shows it. `size` in bytes. */
export type Artifact = Outputs["artifacts"]["listByProject"]["items"][number];
/** One artifact as it is recorded. */
export type ArtifactInput = Extract<Inputs["artifacts"]["record"]["artifacts"][number], object>;
/** What the lease owner reports of a stage, or of a part of it. */
export type ReportEvent = Inputs["work"]["report"]["events"][number];
/** A claimed project, and the key to write it. */
export type ClaimedWork = NonNullable<Outputs["work"]["claim"]>;
export type CreateProjectInput = Inputs["projects"]["create"];
/** Which projects a list has. */
export type ProjectFilter = Omit<Extract<Inputs["projects"]["list"], object>, "limit" | "cursor">;
/** A change of a watched list. */
export type ListChange = Outputs["projects"]["watchList"];
/** A change of a watched list, or a state of a project that is watched beside it. */
export type ManyChange = Outputs["projects"]["watchMany"];
export type PipelineInfo = Outputs["pipelines"]["list"]["items"][number];
export type BuildStats = Outputs["stats"]["builds"];
export type Overview = Outputs["stats"]["overview"];
/** Builds that start at set times. */
export type Schedule = Outputs["schedules"]["list"]["items"][number];
/** Where events of builds are posted. */
export type Webhook = Outputs["webhooks"]["list"]["items"][number];
/** An event on its way to a webhook, or delivered. */
export type WebhookDelivery = Outputs["webhooks"]["deliveries"]["items"][number];
/** An agent: what a build made, and its versions. */
export type Agent = Outputs["agents"]["get"];
export type AgentVersion = Agent["versions"][number];
/** What a list shows of an agent. */
export type AgentRow = Outputs["agents"]["list"]["items"][number];
/** A conversation with an agent. */
export type AgentSession = Outputs["sessions"]["get"];
export type AgentSessionRow = Outputs["sessions"]["list"]["items"][number];
/** One question and its answer, with a session or without one. */
export type Turn = Outputs["turns"]["get"];
export type TurnBlock = Turn["blocks"][number];
export type TurnFile = Turn["user"]["files"][number];
export type TurnStatus = Turn["status"];
/** What happens while a turn runs; `end` alone means that it is over. */
export type TurnEvent = Outputs["turns"]["watch"];
/** A call as the list of invocations shows it. */
export type TurnRow = Outputs["invocations"]["list"]["items"][number];
export type InvocationStats = Outputs["stats"]["invocations"];
export type AgentStats = Outputs["stats"]["agents"];
/** An API key as it is shown: never its secret. */
export type ApiKey = Outputs["keys"]["list"]["items"][number];
/** Who the caller is, as the API sees it. */
export type Session = Outputs["session"]["get"];
/** One mutation or refusal in the audit log. */
export type AuditRow = Outputs["audit"]["list"]["items"][number];
export type SystemInfo = Outputs["system"]["info"];

/** `next_cursor` is for the next page; null on the last one. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
