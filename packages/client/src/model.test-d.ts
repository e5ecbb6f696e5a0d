import type * as core from "@stagefold/core";
import { expectTypeOf } from "vitest";
import type * as client from "./index.ts";
import { ConnectionError, StagefoldClientError } from "./index.ts";
import type { InputOf, OutputOf, ProcedurePath } from "./internal/router-types.ts";

// The published types are written out by hand, so that they need neither the core nor its schemas. That the API gives
// what they promise is checked where the client calls it; here, that they say all there is to say.

/** The names a type has itself; those of any other name (`[own: string]`) do not count. */
type Names<T> = T extends unknown
  ? keyof { [K in keyof T as string extends K ? never : K extends "~output" ? never : K]: true }
  : never;

expectTypeOf<Names<client.Project>>().toEqualTypeOf<Exclude<Names<core.Project>, "lease_token">>();
expectTypeOf<Names<client.ProjectSummary>>().toEqualTypeOf<Names<core.ProjectSummary>>();
expectTypeOf<Names<client.Snapshot>>().toEqualTypeOf<Names<core.Snapshot>>();
expectTypeOf<Names<client.Stage>>().toEqualTypeOf<Names<core.Stage>>();
expectTypeOf<Names<client.SubStage>>().toEqualTypeOf<Names<core.SubStage>>();
expectTypeOf<Names<client.HistoryEntry>>().toEqualTypeOf<Names<core.HistoryEntry>>();
expectTypeOf<Names<client.OutputData>>().toEqualTypeOf<Names<core.OutputData>>();
expectTypeOf<Names<client.Metrics>>().toEqualTypeOf<Names<core.Metrics>>();
expectTypeOf<Names<client.ErrorInfo>>().toEqualTypeOf<Names<core.ErrorInfo>>();
expectTypeOf<Names<client.BuildSummary>>().toEqualTypeOf<Names<core.BuildSummary>>();
expectTypeOf<Names<client.Artifact>>().toEqualTypeOf<Names<core.Artifact>>();
expectTypeOf<Names<client.ArtifactInput>>().toEqualTypeOf<Names<core.ArtifactInput>>();
expectTypeOf<Names<client.CreateProjectInput>>().toEqualTypeOf<
  Names<core.CreateProjectInput> | "operation_id"
>();

expectTypeOf<client.ReportEvent["event"]>().toEqualTypeOf<core.ReportEventInput["event"]>();
expectTypeOf<Names<client.ReportEvent>>().toEqualTypeOf<Names<core.ReportEventInput>>();
expectTypeOf<client.ReportEvent>().toExtend<core.ReportEventInput>();

expectTypeOf<client.ProjectStatus>().toEqualTypeOf<core.ProjectStatus>();
expectTypeOf<client.StageStatus>().toEqualTypeOf<core.StageStatus>();
expectTypeOf<client.FailureCode>().toEqualTypeOf<core.FailureCode>();
expectTypeOf<client.ErrorData>().toEqualTypeOf<core.ErrorData>();

expectTypeOf<Names<client.SystemInfo>>().toEqualTypeOf<Names<OutputOf<"system.info">>>();
expectTypeOf<Names<client.Overview>>().toEqualTypeOf<Names<OutputOf<"stats.overview">>>();
expectTypeOf<Names<client.BuildStats>>().toEqualTypeOf<Names<OutputOf<"stats.builds">>>();
expectTypeOf<Names<client.BuildFigures>>().toEqualTypeOf<Names<OutputOf<"stats.builds">["all"]>>();
type PipelineOnTheWire = OutputOf<"pipelines.list">["items"][number];
expectTypeOf<Names<client.PipelineInfo>>().toEqualTypeOf<Names<PipelineOnTheWire>>();
expectTypeOf<Names<client.PipelineStage>>().toEqualTypeOf<Names<PipelineOnTheWire["stages"][number]>>();

/** The names that a method of the client takes are those that its procedure takes. */
type Inputs = {
  [Path in Exclude<
    ProcedurePath,
    "stats.overview" | "system.info"
  >]: Path extends `${infer Group extends keyof Methods}.${infer Name}`
    ? Name extends keyof Methods[Group]
      ? Names<NonNullable<FirstOf<Methods[Group][Name]>>>
      : "no such method"
    : "no such group";
};
type Methods = client.StagefoldClient;
type FirstOf<Method> = Method extends (input: infer Input, options?: never) => unknown ? Input : never;
expectTypeOf<Inputs>().toEqualTypeOf<{
  [Path in keyof Inputs]: Names<NonNullable<InputOf<Path>>>;
}>();

// What the core says of a project and its stages holds for the client, status by status.
expectTypeOf<core.Project>().toExtend<client.Project>();
expectTypeOf<core.ProjectSummary>().toExtend<client.ProjectSummary>();
expectTypeOf<core.Stage>().toExtend<client.Stage>();
expectTypeOf<Extract<client.Stage, { status: "failed" }>["error_message"]>().toEqualTypeOf<string>();
expectTypeOf<Extract<client.Project, { status: "failed" }>["error_info"]>().toEqualTypeOf<client.ErrorInfo>();

function narrows(error: unknown) {
  if (error instanceof ConnectionError) expectTypeOf(error.url).toEqualTypeOf<string>();
  if (!(error instanceof StagefoldClientError)) return;
  expectTypeOf(error.code).toEqualTypeOf<client.ErrorCode>();
  if (error.code === "PROJECT_CONFLICT") expectTypeOf(error.data.expected).toEqualTypeOf<string>();
  // @ts-expect-error only some codes come with what was expected
  void error.data.expected;
}
expectTypeOf(narrows).toBeFunction();
