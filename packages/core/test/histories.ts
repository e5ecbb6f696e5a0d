import fc from "fast-check";
import { claim } from "../src/commands/claim.ts";
import { isStagefoldError } from "../src/errors.ts";
import { normalise } from "../src/legacy/normalise.ts";
import { apply } from "../src/patch/index.ts";
import { applyEvent } from "../src/project/apply-event.ts";
import { released } from "../src/project/end.ts";
import type { ReportEventInput } from "../src/project/events.ts";
import { takeOver } from "../src/project/take-over.ts";
import type { Project } from "../src/snapshot/schema.ts";
import { toTime } from "../src/snapshot/time.ts";
import { aProject, events } from "../src/testing/builders.ts";

const text = fc.oneof(
  fc.constantFrom("", "x", "日本語", "\u0000", "a.b[0]", "toString", "\ud83d", "🙂".repeat(200)),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 1.5, 1e15, -1e15, Number.MAX_SAFE_INTEGER, 1e-100, 0.1 + 0.2),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((one) => (Math.abs(one) < 1e-90 ? 0 : one)),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    number,
    fc.constantFrom(null, true, false),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "status", "日 本", "size", "constructor"), tie("value"), {
      noNullPrototype: true,
    }),
  ),
}));

export function eventsOf(stages: readonly string[]): fc.Arbitrary<ReportEventInput> {
  const stage = fc.constantFrom(...stages);
  const sub_stage = fc.constantFrom("one", "two", "constructor");
  const artifacts = fc.array(
    fc.record(
      {
        path: fc.constantFrom("a.txt", "b/c.md", "日本.json", "constructor", "outputs/plan.json"),
        size: fc.nat(),
        metadata: fc.dictionary(fc.constantFrom("k", "constructor"), fc.oneof(text, number), {
          noNullPrototype: true,
        }),
      },
      { requiredKeys: ["path"] },
    ),
    { maxLength: 4 },
  );
  const mode = fc.constantFrom("add" as const, "replace" as const);
  const metrics = fc.constantFrom({}, { input_tokens: 5 }, { tool_calls: 1, own: 0.5, constructor_: 1e15 });
  const output = fc.dictionary(fc.constantFrom("a", "status", "日 本", "skipped_reason"), value, {
    noNullPrototype: true,
  });
  const named = <E extends string>(event: E) => ({ event: fc.constant(event), stage });
  return fc.oneof(
    { weight: 8, arbitrary: fc.record(named("started")) },
    fc.record({ ...named("progress"), progress: fc.double({ min: 0, max: 100, noNaN: true }) }),
    fc.record({ ...named("log"), lines: fc.array(text, { maxLength: 7 }) }),
    { weight: 6, arbitrary: fc.record({ ...named("completed"), output, metrics, artifacts }) },
    fc.record({ ...named("artifacts"), artifacts, mode }),
    fc.record({ ...named("failed"), message: text, retry_in_seconds: fc.constantFrom(0, 5), metrics }),
    fc.record({ ...named("failed"), message: text }),
    fc.record({ ...named("skipped"), reason: text }),
    {
      weight: 4,
      arbitrary: fc.record({
        event: fc.constantFrom("started" as const, "completed" as const),
        stage,
        sub_stage,
      }),
    },
    fc.record({ ...named("artifacts"), sub_stage, artifacts, mode }),
    fc.record({ ...named("failed"), sub_stage, message: text }),
  );
}

export type Move = ReportEventInput | "claim" | "release" | "pause";

export const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: eventsOf(["plan", "make", "check"]) },
    { weight: 3, arbitrary: fc.constant("claim" as const) },
    fc.constantFrom("release" as const, "pause" as const),
  ),
  { minLength: 3, maxLength: 30, size: "max" },
);

/** The project after a move; the same when it is refused. */
export function moved(project: Project, move: Move, at: string, seq: number): Project {
  switch (move) {
    case "claim": {
      const { project_id, work_queue } = project;
      const taken = apply(project, claim(project_id, { owner: "w", leaseMs: 1000, work_queue }, at));
      return taken.ok && taken.item ? takeOver(normalise(taken.item), at) : project;
    }
    case "release":
      return released(project, at);
    case "pause":
      return project.status === "building" ? { ...project, status: "paused" } : project;
    default:
      return afterEvent(project, move, at, seq);
  }
}

function afterEvent(project: Project, move: ReportEventInput, at: string, seq: number): Project {
  try {
    return events(move).reduce((before, event) => applyEvent(before, event, at, seq), project);
  } catch (error) {
    if (!isStagefoldError(error)) throw error;
    return project;
  }
}

/** Every project of a history, each one step after the one before. */
export function history(given: readonly Move[]): Project[] {
  const all: Project[] = [aProject()];
  for (const [i, move] of (["claim", ...given] as const).entries()) {
    const last = all.at(-1);
    if (last) all.push(moved(last, move, toTime(Date.parse("2026-01-01T00:00:00.000Z") + i * 700), i));
  }
  return all;
}
