import type { Project, Stage, StageStatus } from "../../../lib/api.ts";

/** A stretch of time in a row of the timeline. Epoch milliseconds; an open one grows until now. */
export interface Bar {
  readonly kind: "attempt" | "part" | "wait" | "ask" | "gate";
  readonly status: StageStatus;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether it still grows. */
  readonly open: boolean;
  /** Of the stage. */
  readonly attempt: number;
  /** How far a running attempt is by its own account, 0 … 100; absent where it says nothing. */
  readonly progress?: number;
  /** How long the stage takes usually, by earlier builds of the pipeline. Milliseconds. */
  readonly usualMs?: number;
}

export interface Row {
  /** Unique among the rows. */
  readonly id: string;
  readonly bars: readonly Bar[];
  readonly kind: "stage" | "part";
  /** The stage's key. */
  readonly stage: string;
  /** The sub-stage's key. */
  readonly part?: string;
}

/** The rows of a build's timeline: each stage with its attempts, and the stage's parts. */
export function rowsOf(project: Project, nowMs: number): Row[] {
  const end = project.completed_at === undefined ? nowMs : Date.parse(project.completed_at);
  return project.stages_snapshot.stages.flatMap((stage): Row[] => [
    { id: stage.stage, kind: "stage", stage: stage.stage, bars: stageBars(project, stage, end, nowMs) },
    ...Object.entries(stage.sub_stages)
      .sort(([, a], [, b]) => a.number - b.number)
      .map(([part, info]): Row => {
        const until = stage.completed_at === undefined ? end : Date.parse(stage.completed_at);
        const bars = partBars(info, stage.attempt, until);
        return { id: `${stage.stage}/${part}`, kind: "part", stage: stage.stage, part, bars };
      }),
  ]);
}

/** The rows, with how long the last attempt of each stage would take usually. What waits for a person has no usual time. */
export function withUsual(rows: readonly Row[], usualSeconds: (stage: string) => number | undefined): Row[] {
  return rows.map((row) => {
    const at = row.bars.findLastIndex(({ kind }) => kind === "attempt");
    const bar = row.bars[at];
    const seconds = row.kind === "stage" ? usualSeconds(row.stage) : undefined;
    if (bar === undefined || seconds === undefined) return row;
    return { ...row, bars: row.bars.with(at, { ...bar, usualMs: seconds * 1000 }) };
  });
}

/** How long a build was in the queue. Milliseconds. */
export interface QueueTime {
  readonly ms: number;
  /** Whether it is there now. */
  readonly open: boolean;
}

/** From the creation to the first start, and while it waits after a retry, the time since then. Undefined: it never was there. */
export function queueTime(project: Project, nowMs: number): QueueTime | undefined {
  const created = Date.parse(project.created_at);
  const open = project.status === "queued";
  const first = firstStart(project);
  if (first === undefined) return open ? { ms: Math.max(0, nowMs - created), open } : undefined;
  const retried = project.control?.op.startsWith("retry ") ? Date.parse(project.control.at) : undefined;
  const again = open && retried !== undefined ? Math.max(0, nowMs - retried) : 0;
  return { ms: Math.max(0, first - created) + again, open: again > 0 };
}

function firstStart(project: Project): number | undefined {
  const starts = project.stages_snapshot.stages.flatMap((stage) =>
    [...stage.history.map((entry) => entry.started_at), stage.started_at].flatMap((time) =>
      time === undefined ? [] : [Date.parse(time)],
    ),
  );
  if (project.started_at !== undefined) starts.push(Date.parse(project.started_at));
  return starts.length === 0 ? undefined : Math.min(...starts);
}

function stageBars(project: Project, stage: Stage, endMs: number, nowMs: number): Bar[] {
  const bars = stage.history.flatMap(pastAttempt);
  const known = stage.history.some((entry) => entry.attempt === stage.attempt);
  if (stage.started_at !== undefined && !known) bars.push(...presentAttempt(stage, stage.started_at, endMs));
  const last = bars.at(-1);
  const active = project.status === "queued" || project.status === "building";
  // A stage with an attempt behind it that is pending waits for its next one.
  if (stage.status === "pending" && last && active && project.restart_from === undefined)
    bars.push({ ...openBar("wait", last.toMs, nowMs), attempt: stage.attempt });
  return bars.flatMap((bar, i) => [...waitBefore(bars[i - 1], bar), bar]);
}

/** From one attempt to the next. */
function waitBefore(before: Bar | undefined, next: Bar): Bar[] {
  if (before === undefined || next.kind === "gate" || next.fromMs <= before.toMs) return [];
  return [{ ...closed("wait", "pending", before.toMs, next.fromMs), attempt: next.attempt }];
}

function pastAttempt(entry: Stage["history"][number]): Bar[] {
  if (entry.started_at === undefined) return [];
  const { attempt, status, code } = entry;
  const from = Date.parse(entry.started_at);
  const to = entry.completed_at === undefined ? from : Date.parse(entry.completed_at);
  if (isGateCode(code)) return asked(from, to, { status, attempt, open: false });
  return [{ ...closed("attempt", status, from, to), attempt }];
}

function presentAttempt(stage: Stage, started: string, endMs: number): Bar[] {
  const { status, attempt } = stage;
  const from = Date.parse(started);
  const to = stage.completed_at === undefined ? endMs : Date.parse(stage.completed_at);
  if (isGate(stage)) return asked(from, to, { status, attempt, open: status === "waiting" });
  const open = status === "running";
  const told = open && stage.progress > 0 && { progress: stage.progress };
  return [{ ...closed("attempt", status, from, to), open, attempt, ...told }];
}

/** Whether a stage asks a person, or has asked one. */
export function isGate({ status, error_code, output_data: { answer, at } }: Stage): boolean {
  return status === "waiting" || isGateCode(error_code) || (answer !== undefined && typeof at === "string");
}

function isGateCode(code: string | undefined): boolean {
  return code === "GATE_EXPIRED" || code === "GATE_REFUSED";
}

/** How long a gate has asked, and where it was answered or asks now. */
function asked(
  fromMs: number,
  toMs: number,
  { open, ...fields }: Pick<Bar, "status" | "attempt" | "open">,
): Bar[] {
  return [
    { ...closed("ask", fields.status, fromMs, toMs), ...fields, open },
    { ...closed("gate", fields.status, toMs, toMs), ...fields, open },
  ];
}

function partBars(part: Stage["sub_stages"][string], attempt: number, untilMs: number): Bar[] {
  if (part.started_at === undefined) return [];
  const from = Date.parse(part.started_at);
  const to = part.completed_at === undefined ? untilMs : Date.parse(part.completed_at);
  return [{ ...closed("part", part.status, from, to), open: part.status === "running", attempt }];
}

/** Clocks of two machines differ: what ends before it began has no length. */
function closed(kind: Bar["kind"], status: StageStatus, fromMs: number, toMs: number): Omit<Bar, "attempt"> {
  return { kind, status, fromMs, toMs: Math.max(fromMs, toMs), open: false };
}

function openBar(kind: Bar["kind"], fromMs: number, nowMs: number): Omit<Bar, "attempt"> {
  return { kind, status: "pending", fromMs, toMs: Math.max(fromMs, nowMs), open: true };
}
