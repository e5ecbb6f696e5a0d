import type { Project, Stage, StageStatus } from "../../../lib/api.ts";

/** A stretch of time in a row of the timeline. Epoch milliseconds; an open one grows until now. */
export interface Bar {
  readonly kind: "queue" | "attempt" | "part" | "wait" | "gate";
  readonly status: StageStatus;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether it still grows. */
  readonly open: boolean;
  /** Of the stage; absent for the time in the queue. */
  readonly attempt?: number;
  /** How far a running attempt is by its own account, 0 … 100; absent where it says nothing. */
  readonly progress?: number;
  /** How long the stage takes usually, by earlier builds of the pipeline. Milliseconds. */
  readonly usualMs?: number;
}

export interface Row {
  /** Unique among the rows. */
  readonly id: string;
  readonly bars: readonly Bar[];
  readonly kind: "queue" | "stage" | "part";
  /** The stage's key; absent for the queue. */
  readonly stage?: string;
  /** The sub-stage's key. */
  readonly part?: string;
}

/** The rows of a build's timeline: its time in the queue, each stage with its attempts, and the stage's parts. */
export function rowsOf(project: Project, nowMs: number): Row[] {
  const end = project.completed_at === undefined ? nowMs : Date.parse(project.completed_at);
  const queue: Row = { id: "queue", kind: "queue", bars: queueBars(project, nowMs) };
  const stages = project.stages_snapshot.stages.flatMap((stage): Row[] => [
    { id: stage.stage, kind: "stage", stage: stage.stage, bars: stageBars(project, stage, end, nowMs) },
    ...Object.entries(stage.sub_stages)
      .sort(([, a], [, b]) => a.number - b.number)
      .map(([part, info]): Row => {
        const until = stage.completed_at === undefined ? end : Date.parse(stage.completed_at);
        const bars = partBars(info, stage.attempt, until);
        return { id: `${stage.stage}/${part}`, kind: "part", stage: stage.stage, part, bars };
      }),
  ]);
  return queue.bars.length > 0 ? [queue, ...stages] : stages;
}

/** The rows, with how long the last attempt of each stage would take usually. What waits for a person has no usual time. */
export function withUsual(rows: readonly Row[], usualSeconds: (stage: string) => number | undefined): Row[] {
  return rows.map((row) => {
    const at = row.bars.findLastIndex(({ kind }) => kind === "attempt");
    const bar = row.bars[at];
    const seconds = row.kind === "stage" ? usualSeconds(row.stage ?? "") : undefined;
    const isGate = row.bars.some(({ kind }) => kind === "gate");
    if (bar === undefined || seconds === undefined || isGate) return row;
    return { ...row, bars: row.bars.with(at, { ...bar, usualMs: seconds * 1000 }) };
  });
}

/** From the creation to the first start; after a retry the time since then, while it waits. */
function queueBars(project: Project, nowMs: number): Bar[] {
  const bars: Bar[] = [];
  const created = Date.parse(project.created_at);
  const waits = project.status === "queued";
  const first = firstStart(project);
  if (first !== undefined) bars.push(closed("queue", "completed", created, first));
  else if (waits) bars.push(openBar("queue", created, nowMs));
  const retried = project.control?.op.startsWith("retry ") ? Date.parse(project.control.at) : undefined;
  if (waits && first !== undefined && retried !== undefined) bars.push(openBar("queue", retried, nowMs));
  return bars;
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
  if (stage.started_at !== undefined && !known) bars.push(presentAttempt(stage, stage.started_at, endMs));
  const last = bars.at(-1);
  const active = project.status === "queued" || project.status === "building";
  // A stage with an attempt behind it that is pending waits for its next one.
  if (stage.status === "pending" && last && active && project.restart_from === undefined)
    bars.push({ ...openBar("wait", last.toMs, nowMs), attempt: stage.attempt });
  return [...bars.flatMap((bar, i) => [...waitBefore(bars[i - 1], bar), bar]), ...gateBars(stage, nowMs)];
}

/** From one attempt to the next. */
function waitBefore(before: Bar | undefined, next: Bar): Bar[] {
  if (before === undefined || next.kind !== "attempt" || next.fromMs <= before.toMs) return [];
  return [closed("wait", "pending", before.toMs, next.fromMs)];
}

function pastAttempt(entry: Stage["history"][number]): Bar[] {
  if (entry.started_at === undefined) return [];
  const from = Date.parse(entry.started_at);
  const to = entry.completed_at === undefined ? from : Date.parse(entry.completed_at);
  return [{ ...closed("attempt", entry.status, from, to), attempt: entry.attempt }];
}

function presentAttempt(stage: Stage, started: string, endMs: number): Bar {
  const from = Date.parse(started);
  const open = stage.status === "running" || stage.status === "waiting";
  const to = stage.completed_at === undefined ? endMs : Date.parse(stage.completed_at);
  const told = open && stage.progress > 0 && { progress: stage.progress };
  return { ...closed("attempt", stage.status, from, to), open, attempt: stage.attempt, ...told };
}

/** Where a gate was answered, or asks now. */
function gateBars({ status, output_data: { answer, at }, attempt }: Stage, nowMs: number): Bar[] {
  if (status === "waiting") return [{ ...openBar("gate", nowMs, nowMs), status, attempt }];
  if (answer === undefined || typeof at !== "string" || Number.isNaN(Date.parse(at))) return [];
  return [{ ...closed("gate", status, Date.parse(at), Date.parse(at)), attempt }];
}

function partBars(part: Stage["sub_stages"][string], attempt: number, untilMs: number): Bar[] {
  if (part.started_at === undefined) return [];
  const from = Date.parse(part.started_at);
  const to = part.completed_at === undefined ? untilMs : Date.parse(part.completed_at);
  return [{ ...closed("part", part.status, from, to), open: part.status === "running", attempt }];
}

/** Clocks of two machines differ: what ends before it began has no length. */
function closed(kind: Bar["kind"], status: StageStatus, fromMs: number, toMs: number): Bar {
  return { kind, status, fromMs, toMs: Math.max(fromMs, toMs), open: false };
}

function openBar(kind: Bar["kind"], fromMs: number, nowMs: number): Bar {
  return { kind, status: "pending", fromMs, toMs: Math.max(fromMs, nowMs), open: true };
}
