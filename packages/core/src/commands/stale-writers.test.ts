import { describe, expect, it } from "vitest";
import { LEASE_MS, projectIn, stored, storedItem } from "../../test/states.ts";
import { apply, difference, type Patch } from "../patch/index.ts";
import { PROJECT_STATUSES, type Project, type ProjectStatus } from "../snapshot/schema.ts";
import { workQueueOf } from "../snapshot/work-queue.ts";
import { answer } from "./answer.ts";
import { claim, heartbeat } from "./claim.ts";
import { cancel, deleteProject, pause, resume } from "./control.ts";
import { create } from "./create.ts";
import { reportPatch } from "./report.ts";
import { retry } from "./retry.ts";
import { nextRevision, sameRevision } from "./revision.ts";

/** The patches that a transition makes of what a writer knows, and in which states the guards let it through. */
type Low = (known: Project, at: string) => Patch;
const control = { op: "op", at: "2026-01-01T00:00:10.000Z" };
const anOwner: Low = (known, at) =>
  reportPatch("report", known, known, ownerOf(known), { at, leaseMs: LEASE_MS });
const ownerOf = ({ lease_token, lease_seq }: Project) => ({ lease_token, lease_seq: lease_seq + 1 });

const LOW = {
  queue: { decide: (known) => resume(known, control, LEASE_MS), from: ["pending"], through: "known" },
  resume: {
    decide: (known) => resume(known, control, LEASE_MS),
    from: ["pending", "paused"],
    through: "known",
  },
  retry: {
    decide: (known) => retry(known, { from_stage: "plan" }, control),
    from: ["completed", "failed", "cancelled"],
    through: "known",
  },
  report: { decide: anOwner, from: ["building", "paused"], through: "known" },
  record: {
    decide: (known, at) => ({
      kind: "update",
      transition: "record_artifacts",
      project_id: known.project_id,
      guards: sameRevision(known),
      edits: difference(known, nextRevision(known, known, at)),
    }),
    from: PROJECT_STATUSES,
    through: "known",
  },
  pause: {
    decide: (known) => pause(known, control),
    from: ["queued", "building"],
    through: ["queued", "building"],
  },
  cancel: {
    decide: (known) => cancel(known, control),
    from: ["pending", "queued", "building", "waiting", "paused"],
    through: ["pending", "queued", "building", "waiting", "paused"],
  },
  answer: {
    decide: (known) => answer(known, { stage: "plan", value: true }, control),
    from: ["waiting"],
    through: ["waiting"],
  },
  claim: {
    decide: (known, at) =>
      claim(
        known.project_id,
        { owner: "w", leaseMs: LEASE_MS, work_queue: workQueueOf("agent_builds", 3, known.project_id) },
        at,
      ),
    from: PROJECT_STATUSES,
    through: ["queued"],
  },
  heartbeat: {
    decide: ({ project_id, lease_token, status }, at) =>
      heartbeat(
        project_id,
        { lease_token, leaseMs: LEASE_MS, status: status === "paused" ? "paused" : "building" },
        at,
      ),
    from: ["building", "paused"],
    through: "known",
  },
  create: {
    decide: ({ project_id, requirement, project_name, priority }, at) =>
      create({ project_id, requirement, project_name, priority, tags: [], stages: [] }, at),
    from: PROJECT_STATUSES,
    through: [],
  },
  delete: {
    decide: ({ project_id }) => deleteProject(project_id),
    from: PROJECT_STATUSES,
    through: PROJECT_STATUSES,
  },
} as const satisfies Record<
  string,
  { decide: Low; from: readonly ProjectStatus[]; through: "known" | readonly ProjectStatus[] }
>;

describe("the guards of a patch, whatever its writer believed", () => {
  it.each(Object.entries(LOW))("%s", async (name, { decide, from, through }) => {
    for (const believed of from) {
      const known = await stored(await projectIn(believed));
      const patch = decide(known, "2026-01-01T00:00:10.000Z");
      for (const actual of PROJECT_STATUSES) {
        const item = await storedItem(await projectIn(actual));
        const allowed = through === "known" ? actual === believed : through.some((one) => one === actual);
        const applied = apply(item, patch);
        expect(applied.ok, `${name} decided for ${believed}, met ${actual}: ${JSON.stringify(applied)}`).toBe(
          allowed,
        );
      }
    }
  });

  it("lets nothing but a creation through where there is no project", async () => {
    for (const { decide, from } of Object.values(LOW)) {
      for (const believed of from) {
        const patch: Patch = decide(await stored(await projectIn(believed)), "2026-01-01T00:00:10.000Z");
        expect(apply(undefined, patch).ok).toBe(patch.kind === "put");
      }
    }
  });
});
