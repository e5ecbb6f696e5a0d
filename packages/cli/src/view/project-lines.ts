import type { Project } from "@stagefold/client";
import { buildSeconds } from "@stagefold/core";
import { escaped } from "./escape.ts";
import { clockTime, duration, percent, plural } from "./format.ts";
import { type Frame, stageLines } from "./stage-lines.ts";
import { PROJECT_COLOUR, statusText } from "./status.ts";
import { cut, widthOf } from "./width.ts";

/** A build in a few lines: its name and state, then every stage. */
export function projectLines(project: Project, frame: Frame): string[] {
  const stages = project.stages_snapshot.stages.flatMap((stage) => stageLines(stage, frame));
  return [
    titleLine(project, frame),
    frame.paint.dim(fitting(factsOf(project, frame.nowMs), frame)),
    ...stages,
    ...gateLines(project, frame),
    ...errorLines(project, frame),
  ];
}

/** All that is worth showing of a build, for one look at it. */
export function detailLines(project: Project, frame: Frame): string[] {
  const facts: [string, string | undefined][] = [
    ["requirement", project.requirement || undefined],
    ["input", inputText(project)],
    ["starts", project.start_at && clockTime(project.start_at)],
    ["limits", limitsText(project)],
    ["user", project.user_name ?? project.user_id],
    ["agent", project.agent_id],
    ["tags", project.tags.join(", ") || undefined],
    ["created", clockTime(project.created_at)],
    ["ended", project.completed_at && clockTime(project.completed_at)],
    ["summary", summaryOf(project)],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`${frame.paint.dim(name.padEnd(12))}${escaped(value)}`],
  );
  return [...projectLines(project, frame), "", ...lines];
}

function inputText({ input, input_ref, input_run }: Project): string | undefined {
  const text =
    input_ref === undefined ? input && JSON.stringify(input) : "too large to show (projects.input)";
  return text === undefined || input_run === undefined ? text : `${text} (changed for run ${input_run})`;
}

/** What is used up of what may be. */
function limitsText({ limits, spent }: Project): string | undefined {
  if (!limits) return undefined;
  return Object.entries(limits)
    .map(([name, limit]) => `${name} ${spent?.[name as keyof typeof limits] ?? 0} of ${limit}`)
    .join(", ");
}

function titleLine(project: Project, { paint, columns }: Frame): string {
  const state = `${statusText(project)}  ${percent(project.progress_percentage)}`;
  const tail = `  ${project.project_id}  ${state}`;
  const name = escaped(project.project_name);
  const shown = columns === undefined ? name : cut(name, columns - widthOf(tail));
  const coloured = paint[PROJECT_COLOUR[project.status]](state);
  return `${paint.bold(shown)}  ${paint.dim(project.project_id)}  ${coloured}`;
}

function factsOf(project: Project, nowMs: number): string {
  const { pipeline, run, started_at, lease } = project;
  const seconds = buildSeconds(project, nowMs);
  return [
    escaped(pipeline ?? "no pipeline"),
    `${project.stages_snapshot.completed} of ${plural(project.stages_snapshot.total, "stage")}`,
    ...(seconds === undefined ? [] : [duration(seconds)]),
    ...(started_at === undefined ? ["not started"] : []),
    ...(run > 1 ? [`run ${run}`] : []),
    ...(project.status === "building" ? [escaped(lease.owner ?? "")] : []),
  ].join(" · ");
}

/** What a build asks, and what to type. */
function gateLines(project: Project, frame: Frame): string[] {
  if (project.status !== "waiting") return [];
  return gateTexts(project.waiting, project.project_id).map((text) =>
    frame.paint.yellow(fitting(text, frame)),
  );
}

/** The question line by line, until when it can be answered, and how. */
export function gateTexts(gate: NonNullable<Project["waiting"]>, projectId: string): string[] {
  const { stage, question, answer_schema, expires_at } = gate;
  const until = expires_at === undefined ? "" : ` until ${clockTime(expires_at)}`;
  const [first = "", ...others] = question.split("\n").map((line) => escaped(line));
  return [
    `${escaped(stage)} asks${until}: ${first}`,
    ...others.map((line) => `  ${line}`),
    `to answer: stagefold answer ${projectId} ${exampleOf(answer_schema)}`,
  ];
}

/** The fields of an answer as options; without fields, a value. */
function exampleOf(schema: Readonly<Record<string, unknown>> | undefined): string {
  const properties = schema?.properties;
  if (typeof properties !== "object" || properties === null) return "<answer>";
  return Object.keys(properties)
    .map((name) => `--set ${escaped(name)}=…`)
    .join(" ");
}

function errorLines(project: Project, frame: Frame): string[] {
  if (project.status !== "failed") return [];
  const { code, message, stage } = project.error_info;
  const where = stage === undefined ? "" : ` in ${escaped(stage)}`;
  return [frame.paint.red(fitting(`${code}${where}: ${escaped(message)}`, frame))];
}

function summaryOf({ build_summary: summary }: Project): string | undefined {
  if (!summary) return undefined;
  const seconds = Object.values(summary.stage_seconds).reduce((sum, one) => sum + one, 0);
  const tokens = summary.input_tokens + summary.output_tokens;
  return `${duration(seconds)} in stages, ${plural(summary.artifacts, "artifact")}, ${plural(tokens, "token")}, ${plural(summary.tool_calls, "tool call")}`;
}

function fitting(text: string, { columns }: Frame): string {
  return columns === undefined ? text : cut(text, columns);
}
