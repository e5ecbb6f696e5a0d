import type { Stage } from "@stagefold/core";

// What a project says of its stages, counted anew.

export function isDone({ status, allow_failure }: Stage): boolean {
  return status === "completed" || status === "skipped" || (status === "failed" && allow_failure === true);
}

export function percent(stages: readonly Stage[]): number {
  const weight = (some: readonly Stage[]) => some.reduce((sum, stage) => sum + stage.weight, 0);
  return Math.round((100 * weight(stages.filter(isDone))) / weight(stages));
}

export function summary(stages: readonly Stage[]) {
  const stage_seconds: Record<string, number> = {};
  const sums = { input_tokens: 0, output_tokens: 0, tool_calls: 0, artifacts: 0, unmet_total: 0 };
  for (const { stage, duration_seconds, metrics, output_data } of stages) {
    if (duration_seconds !== undefined) stage_seconds[stage] = duration_seconds;
    sums.input_tokens += metrics.input_tokens ?? 0;
    sums.output_tokens += metrics.output_tokens ?? 0;
    sums.tool_calls += metrics.tool_calls ?? 0;
    sums.artifacts += output_data.artifacts.length;
  }
  const active = stages.some(({ needs }) => needs !== undefined) ? secondsCovered(stages) : undefined;
  return { stage_seconds, ...(active !== undefined && { active_seconds: active }), ...sums };
}

/** Seconds between the first and last of all starts and ends, without those in which no stage ran. */
function secondsCovered(stages: readonly Stage[]): number {
  const spans = stages
    .filter((stage) => stage.duration_seconds !== undefined)
    .map(
      ({ started_at = "", completed_at = "" }) => [Date.parse(started_at), Date.parse(completed_at)] as const,
    );
  const edges = [...new Set(spans.flat())].sort((a, b) => a - b);
  const covered = edges.map((from, i) => {
    const to = edges[i + 1] ?? from;
    return spans.some(([begin, end]) => begin <= from && to <= end) ? to - from : 0;
  });
  return covered.reduce((sum, ms) => sum + ms, 0) / 1000;
}
