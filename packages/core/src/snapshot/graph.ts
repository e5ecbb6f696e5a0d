import { isFinished, isUnderway } from "./derive.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import type { Project, Stage } from "./schema.ts";

/*
 * The order in which stages run. A stage begins when all that it needs is finished: the stages that `needs` names, or,
 * without that, all earlier ones. Stages that do not need each other run at the same time. `finally` stages run after all
 * others, also when the build is failing.
 */

/** What says where a stage stands in the order. */
export interface OrderedStage {
  readonly stage: string;
  readonly needs?: readonly string[] | undefined;
  readonly finally?: boolean | undefined;
  readonly allow_failure?: boolean | undefined;
}

/** Positions of the stages that must be finished before one begins, as it says itself. */
export function needsOf(stages: readonly OrderedStage[], position: number): number[] {
  const own = stages[position];
  if (!own) return [];
  const isFinal = own.finally === true;
  const named = own.needs;
  return stages.flatMap((other, i) => {
    if (i === position) return [];
    // All others have ended before the first `finally` stage; what it needs is among its like.
    if (isFinal && other.finally !== true) return [i];
    if (!isFinal && other.finally === true) return [];
    const isNeeded = named === undefined ? i < position : named.includes(other.stage);
    return isNeeded ? [i] : [];
  });
}

/** All that must be finished before a stage begins, whether it says so itself or a stage that it needs does. */
export function allNeedsOf(stages: readonly OrderedStage[], position: number): Set<number> {
  const found = new Set<number>();
  const open = [position];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const need of needsOf(stages, next))
      if (need !== position && !found.has(need)) {
        found.add(need);
        open.push(need);
      }
  return found;
}

/** The stages at these positions and all that need one of them. */
export function withDependants(stages: readonly OrderedStage[], positions: readonly number[]): Set<number> {
  const found = new Set(positions);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const i of stages.keys()) if (needsOf(stages, i).some((need) => found.has(need))) found.add(i);
  }
  return found;
}

/** A build that has failed and still runs its `finally` stages: `error_info` says since which failure. */
export function isFailing({ status, error_info, stages_snapshot }: Project): boolean {
  const hasEnded = status === "completed" || status === "failed" || status === "cancelled";
  return !hasEnded && error_info !== undefined && stages_snapshot.stages.some((one) => one.finally === true);
}

/** Ended, whichever way. */
export function isOver({ status }: Stage): boolean {
  return status !== "pending" && status !== "running" && status !== "waiting";
}

/** A stage that keeps another from beginning; undefined when that one may begin. */
export function blockerOf(project: Project, position: number): Stage | undefined {
  const { stages } = project.stages_snapshot;
  const own = stages[position];
  const failing = isFailing(project);
  if (failing && own?.finally !== true)
    return stages.find(({ stage }) => stage === project.error_info?.stage) ?? own;
  const needed = needsOf(stages, position).flatMap((i) => stages[i] ?? []);
  const blocker = needed.find((other) => {
    if (own?.finally !== true) return !isFinished(other);
    if (other.finally === true) return !isOver(other);
    return failing ? isUnderway(other) : !isFinished(other);
  });
  return blocker ?? stages.find(({ status }) => status === "waiting");
}

/** Positions of the pending stages that may begin, in order. */
export function readyStages(project: Project): number[] {
  return project.stages_snapshot.stages.flatMap(({ status }, i) =>
    status === "pending" && blockerOf(project, i) === undefined ? [i] : [],
  );
}

/** What is wrong with the order of stages, at which stage and field. */
export interface OrderProblem {
  readonly position: number;
  readonly field: readonly (string | number)[];
  readonly expected: string;
  readonly found: string;
}

/** The first mistake: a key that is no stage's, a stage that needs itself, twice the same, a cycle, a misplaced `finally`. */
export function orderProblem(stages: readonly OrderedStage[]): OrderProblem | undefined {
  const keys = stages.map(({ stage }) => stage);
  const firstFinal = stages.findIndex((one) => one.finally === true);
  let bytes = 0;
  for (const [position, { stage, needs = [], finally: isFinal }] of stages.entries()) {
    if (firstFinal >= 0 && position > firstFinal && isFinal !== true)
      return {
        position: firstFinal,
        field: ["finally"],
        expected: "expected finally stages after all others",
        found: `${stage} after it`,
      };
    for (const [i, need] of needs.entries()) {
      const field = ["needs", i];
      const found = JSON.stringify(need);
      const at = keys.indexOf(need);
      const wrong = (expected: string) => ({ position, field, expected, found });
      bytes += utf8Bytes(need);
      if (need === stage) return wrong("expected other stages than itself");
      if (at < 0) return wrong(`expected one of the stages ${keys.join(", ")}`);
      if (needs.indexOf(need) < i) return wrong("expected each stage once");
      if ((stages[at]?.finally === true) !== (isFinal === true))
        return wrong(
          isFinal === true
            ? "expected a finally stage: all others have ended before it"
            : "expected a stage that is not finally: those run after all others",
        );
      if (bytes > LIMITS.needs) return wrong(`expected at most ${LIMITS.needs} bytes of needs in all`);
    }
  }
  if (firstFinal === 0)
    return { position: 0, field: ["finally"], expected: "expected a stage before it", found: "none" };
  return cycleIn(stages);
}

function cycleIn(stages: readonly OrderedStage[]): OrderProblem | undefined {
  const done = new Set<number>();
  const visit = (position: number, path: readonly number[]): readonly number[] | undefined => {
    if (path.includes(position)) return [...path.slice(path.indexOf(position)), position];
    if (done.has(position)) return undefined;
    for (const need of needsOf(stages, position)) {
      const cycle = visit(need, [...path, position]);
      if (cycle) return cycle;
    }
    done.add(position);
    return undefined;
  };
  for (const start of stages.keys()) {
    const cycle = visit(start, []);
    // A stage without `needs` needs all earlier ones: the one to correct is one that says what it needs.
    const position = cycle?.find((i) => stages[i]?.needs !== undefined);
    if (cycle && position !== undefined)
      return {
        position,
        field: ["needs"],
        expected: "expected stages that do not need each other in a circle",
        found: cycle.map((i) => stages[i]?.stage).join(" -> "),
      };
  }
  return undefined;
}
