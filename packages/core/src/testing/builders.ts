import { type NewProject, newProject } from "../commands/create.ts";
import { createMemoryFileStores } from "../memory/artifact-store.ts";
import type { ProjectStore } from "../ports/project-store.ts";
import { type ReportEvent, type ReportEventInput, reportEventSchema } from "../project/events.ts";
import { Repository } from "../repository/repository.ts";
import type { Project } from "../snapshot/schema.ts";
import { FakeClock } from "./fake-clock.ts";

export const TEST_STAGES = ["plan", "make", "check"] as const;

/** A project of three stages that waits for a worker. */
export function aProject(given: Partial<NewProject> = {}, at = "2026-01-01T00:00:00.000Z"): Project {
  return newProject(
    {
      project_id: "proj_000000000001",
      requirement: "a calculator",
      project_name: "calculator",
      pipeline: "test",
      pipeline_version: "1",
      tags: [],
      priority: 3,
      stages: TEST_STAGES.map((stage) => ({ stage })),
      ...given,
    },
    at,
  );
}

/** A repository on a store, with files in memory and a clock that stands still. */
export function aRepository(store: ProjectStore, clock = new FakeClock(), leaseMs = 60_000) {
  const { artifacts, logs } = createMemoryFileStores();
  let ids = 0;
  // The same on every run: two repositories that do the same write the same.
  const newId = () => `id-${ids++}`;
  const repository = new Repository({ store, artifacts, logs, clock, leaseMs, newId });
  return { repository, artifacts, logs, clock };
}

/** The plan of the test pipeline. */
export const TEST_PLAN = {
  pipeline: "test",
  pipeline_version: "1",
  stages: TEST_STAGES.map((stage) => ({ stage })),
};

/** Events as a program gives them, with the defaults filled in. */
export function events(...given: ReportEventInput[]): ReportEvent[] {
  return given.map((event) => reportEventSchema.parse(event));
}
