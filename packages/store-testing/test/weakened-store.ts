import { type Item, normalise, type Patch, type Path, type ProjectStore } from "@stagefold/core";
import { reportKeyOf, tokenOf } from "../src/simulation/ledger.ts";

/** What a store lets through that it must not. */
export type Weakness =
  | "lease owners without a token"
  | "superseded lease owners"
  | "used numbers"
  | "stages before what they need"
  | "builds before their start"
  | "stages beyond a budget"
  | "runs without their input";

const OWNERS = ["heartbeat", "report", "release"];

/**
 * A store without a part of the fence, for the checks to notice. Every report is fenced twice over: a takeover raises
 * the token and the revision too. "lease owners without a token" leaves out the guard of the token alone, so that it shows
 * in heartbeats, which have no other, when clocks disagree. The other two let a write through for all that.
 */
export function weakened(store: ProjectStore, weakness: Weakness): ProjectStore {
  return {
    write: async (patch) => {
      const changed = changedBy(patch, weakness);
      if (changed) return await store.write(changed);
      if (!OWNERS.includes(patch.transition)) return await store.write(patch);
      const item = await store.get(patch.project_id);
      return await store.write(item ? withoutFence(patch, item, weakness) : patch);
    },
    get: (projectId, options) => store.get(projectId, options),
    getMany: (projectIds) => store.getMany(projectIds),
    list: (query) => store.list(query),
    counts: () => store.counts(),
    due: (...query) => store.due(...query),
    ping: () => store.ping(),
  };
}

function withoutFence(patch: Patch, item: Item, weakness: Weakness): Patch {
  const superseded = tokenOf(patch) !== item.lease_token;
  switch (weakness) {
    case "lease owners without a token":
      return guardedBy(patch, (path) => path[0] !== "lease_token");
    case "superseded lease owners":
      return superseded ? guardedBy(patch, isHeld) : patch;
    case "stages before what they need":
    case "builds before their start":
    case "stages beyond a budget":
    case "runs without their input":
      return patch;
    case "used numbers":
      return !superseded && reportKeyOf(patch)?.seq === item.lease_seq ? guardedBy(patch, isHeld) : patch;
    default:
      return weakness satisfies never;
  }
}

/** What becomes of a write in a store that forgets a part of it; undefined where it forgets none. */
function changedBy(patch: Patch, weakness: Weakness): Patch | undefined {
  switch (weakness) {
    case "stages before what they need":
      return withoutNeed(patch);
    case "builds before their start":
      return patch.kind === "put"
        ? { ...patch, item: { ...patch.item, work_due_at: patch.item.created_at } }
        : patch;
    case "stages beyond a budget":
      return withoutEdits(patch, "report", "spent");
    case "runs without their input":
      return withoutEdits(patch, "retry", "input");
    default:
      return undefined;
  }
}

function withoutEdits(patch: Patch, transition: Patch["transition"], field: string): Patch {
  if (patch.kind !== "update" || patch.transition !== transition) return patch;
  return { ...patch, edits: patch.edits.filter(({ path }) => path[0] !== field) };
}

/** A project that forgets what its last stages need besides the first of it. */
function withoutNeed(patch: Patch): Patch {
  if (patch.kind !== "put") return patch;
  const { stages_snapshot, ...item } = normalise(patch.item);
  const stages = stages_snapshot.stages.map((stage) =>
    stage.needs === undefined ? stage : { ...stage, needs: stage.needs.slice(0, 1) },
  );
  return { ...patch, item: { ...item, stages_snapshot: { ...stages_snapshot, stages } } };
}

function guardedBy(patch: Patch, isKept: (path: Path) => boolean): Patch {
  return { ...patch, guards: patch.guards.filter((guard) => "path" in guard && isKept(guard.path)) };
}

function isHeld(path: Path): boolean {
  return path[0] === "lease" && path[1] === "owner";
}
