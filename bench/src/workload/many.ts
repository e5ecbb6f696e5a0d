import { newProject, type Project, summarise, withOwnCount } from "@stagefold/core";
import { openSqlite } from "@stagefold/sqlite";
import { REQUIREMENT } from "./contents.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS = 365;
const AT_ONCE = 500;

/** Puts so many projects that ended into a data folder, spread over the last year; every tenth one failed. */
export async function putEndedProjects(dataDir: string, projects: number): Promise<void> {
  const now = Date.now();
  using sqlite = await openSqlite(dataDir);
  for (let from = 0; from < projects; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, projects - from) }, (_, i) =>
      endedProject(from + i, now),
    );
    await Promise.all(
      some.map((item) =>
        sqlite.projects.write({
          kind: "put",
          transition: "import",
          project_id: item.project_id,
          guards: [],
          item,
        }),
      ),
    );
  }
}

function endedProject(n: number, now: number): Project {
  // In another order than their numbers, and each at a time of its own.
  const created = now - (((n * 7919) % 100_003) / 100_003) * DAYS * DAY_MS;
  const created_at = new Date(created).toISOString();
  const completed_at = new Date(created + 60_000 + (n % 600) * 1000).toISOString();
  const given = {
    project_id: `proj_${n.toString(16).padStart(12, "0")}`,
    requirement: REQUIREMENT,
    project_name: `Project ${n}`,
    pipeline: "agent-build",
    pipeline_version: "bench",
    tags: [],
    priority: 3,
    stages: [{ stage: "one" }, { stage: "two" }],
  };
  const { work_queue: _q, work_due_at: _d, ...queued } = newProject(given, created_at);
  const stages = queued.stages_snapshot.stages.map((stage) => ({
    ...stage,
    status: "completed" as const,
    attempt: 1,
    progress: 100,
    started_at: created_at,
    completed_at,
    duration_seconds: 30,
  }));
  const ended = {
    ...queued,
    updated_at: completed_at,
    started_at: created_at,
    completed_at,
    progress_percentage: 100,
    item_bytes: withOwnCount(1000),
    stages_snapshot: { total: 2, completed: 2, stages },
    build_summary: {
      ...summarise([]),
      stage_seconds: { one: 30, two: 30 },
      input_tokens: 100,
      output_tokens: 10,
    },
  };
  const error_info = { stage: "two", code: "STAGE_FAILED" as const, message: "It failed." };
  return n % 10 === 0 ? { ...ended, status: "failed", error_info } : { ...ended, status: "completed" };
}
