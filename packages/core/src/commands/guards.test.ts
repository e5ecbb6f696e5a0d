import { describe, expect, it } from "vitest";
import { LEASE_MS, projectIn, stored, storedItem } from "../../test/states.ts";
import { apply, type Edit, type Guard, type Patch } from "../patch/index.ts";
import type { Project, ProjectStatus } from "../snapshot/schema.ts";
import { claim, heartbeat } from "./claim.ts";
import { cancel, pause, resume } from "./control.ts";
import { reportPatch } from "./report.ts";
import { retry } from "./retry.ts";
import { sameRevision } from "./revision.ts";

const AT = "2026-01-01T00:00:10.000Z";
const LATER = "2026-01-01T00:02:00.000Z";
const control = { op: "op", at: AT };

const edit = (path: string, value: unknown): Edit =>
  value === undefined ? { op: "remove", path: path.split(".") } : { op: "set", path: path.split("."), value };

/**
 * Each transition, from a state in which it holds, and the single changes of that item which must each refuse it by
 * themselves: no guard hides behind another.
 */
const CASES: Record<
  string,
  { from: ProjectStatus; patch: (known: Project) => Patch; refuse: [path: string, value: unknown][] }
> = {
  report: {
    from: "building",
    patch: (known) =>
      reportPatch(
        "report",
        known,
        known,
        { lease_token: known.lease_token, lease_seq: known.lease_seq + 2 },
        { at: AT, leaseMs: LEASE_MS },
      ),
    refuse: [
      ["lease_token", 1],
      ["lease_token", undefined],
      ["lease_seq", 3],
      ["lease_seq", 4],
      ["lease.owner", undefined],
      ["revision", 99],
      ["status", "paused"],
      ["schema_version", 2],
      ["schema_version", undefined],
      ["stages_snapshot", "{}"],
    ],
  },
  claim: {
    from: "building",
    patch: (known) =>
      claim(known.project_id, { owner: "w", leaseMs: LEASE_MS, work_queue: known.work_queue }, LATER),
    refuse: [
      ["status", "paused"],
      ["status", "completed"],
      ["work_queue", "agent_builds#p1#00"],
      ["work_queue", undefined],
      ["work_due_at", "2026-01-01T00:02:00.001Z"],
      ["work_due_at", undefined],
      ["lease.expires_at", "2026-01-01T00:02:00.001Z"],
    ],
  },
  heartbeat: {
    from: "building",
    patch: (known) =>
      heartbeat(
        known.project_id,
        { lease_token: known.lease_token, leaseMs: LEASE_MS, status: "building" },
        AT,
      ),
    refuse: [
      ["lease_token", 1],
      ["lease.expires_at", "2026-01-01T00:01:10.000Z"],
      ["lease.expires_at", undefined],
      ["status", "paused"],
    ],
  },
  pause: {
    from: "building",
    patch: (known) => pause(known, control),
    refuse: [
      ["status", "paused"],
      ["control", { op: "op", at: AT }],
    ],
  },
  cancel: {
    from: "building",
    patch: (known) => cancel(known, control),
    refuse: [
      ["status", "failed"],
      ["control", { op: "op", at: AT }],
    ],
  },
  queue: {
    from: "pending",
    patch: (known) => resume(known, control, LEASE_MS),
    refuse: [
      ["status", "queued"],
      ["control", { op: "op", at: AT }],
      ["run", 2],
      ["created_at", AT],
    ],
  },
  "resume while the lease lives": {
    from: "paused",
    patch: (known) => resume(known, control, LEASE_MS),
    refuse: [
      ["status", "building"],
      ["lease.expires_at", "2026-01-01T00:01:00.001Z"],
      ["lease.expires_at", undefined],
      ["control", { op: "op", at: AT }],
      ["run", 2],
      ["created_at", AT],
    ],
  },
  "resume after the lease": {
    from: "paused",
    patch: (known) => resume(known, { op: "op", at: LATER }, LEASE_MS),
    refuse: [
      ["lease.expires_at", "2026-01-01T00:02:00.001Z"],
      ["status", "cancelled"],
      ["control", { op: "op", at: AT }],
      ["run", 2],
      ["created_at", AT],
    ],
  },
  retry: {
    from: "failed",
    patch: (known) => retry(known, {}, control),
    refuse: [
      ["status", "cancelled"],
      ["run", 2],
      ["created_at", AT],
      ["control", { op: "op", at: AT }],
    ],
  },
  record: {
    from: "queued",
    patch: (known) => ({
      kind: "update",
      transition: "record_artifacts",
      project_id: known.project_id,
      guards: sameRevision(known),
      edits: [edit("own", 1)],
    }),
    refuse: [
      ["revision", 2],
      ["status", "building"],
    ],
  },
};

/** The fields that a guard looks at. */
function pathsOf(guard: Guard | "exists" | "absent"): string[] {
  if (typeof guard === "string") return [guard];
  return "any" in guard ? guard.any.flatMap(pathsOf) : [guard.path.join(".")];
}

describe.each(Object.entries(CASES))("%s", (_name, { from, patch, refuse }) => {
  it("holds as it is", async () => {
    const it = await projectIn(from);
    const applied = apply(await storedItem(it), patch(await stored(it)));
    expect(applied).toMatchObject({ ok: true });
  });

  it.each(refuse)("is refused by %s alone when it is %s", async (path, value) => {
    const it = await projectIn(from);
    const known = await stored(it);
    const changed = apply(await storedItem(it), {
      kind: "update",
      transition: "upgrade",
      project_id: it.id,
      guards: [],
      edits: [edit(path, value)],
    });
    if (!changed.ok) throw new Error("the change itself was refused");
    const applied = apply(changed.item, patch(known));
    expect(applied.ok).toBe(false);
    if (applied.ok) return;
    const looked = pathsOf(applied.refused);
    expect(
      looked.some((one) => one.startsWith(path)),
      looked.join(),
    ).toBe(true);
  });
});
