import { toPutItem, toUpdateItem } from "../src/dynamodb/expression.ts";
import { DYNAMODB_LIMITS } from "../src/dynamodb/limits.ts";
import { MemoryProjectStore } from "../src/memory/project-store.ts";
import type { Patch } from "../src/patch/index.ts";
import type { Written } from "../src/ports/project-store.ts";
import type { Release } from "../src/project/end.ts";
import type { ReportEventInput } from "../src/project/events.ts";
import { itemBytes } from "../src/snapshot/limits.ts";
import type { Project } from "../src/snapshot/schema.ts";
import { aRepository, events } from "../src/testing/builders.ts";

/** Memory with DynamoDB's limits, and a count of what it is asked. */
export class StrictStore extends MemoryProjectStore {
  writes = 0;
  reads = 0;

  override async write(patch: Patch): Promise<Written> {
    this.writes += 1;
    if (patch.kind === "update") toUpdateItem(patch, "t");
    if (patch.kind === "put") toPutItem(patch, "t");
    const before = await super.get(patch.project_id);
    const written = await super.write(patch);
    if (patch.kind === "update" && written.ok && itemBytes(written.item ?? {}) > DYNAMODB_LIMITS.item) {
      if (before)
        await super.write({ kind: "delete", transition: "delete", project_id: patch.project_id, guards: [] });
      if (before)
        await super.write({
          kind: "put",
          transition: "create",
          project_id: patch.project_id,
          guards: [],
          item: before,
        });
      throw new RangeError(`the item has ${itemBytes(written.item ?? {})} bytes`);
    }
    return written;
  }

  override get(projectId: string) {
    this.reads += 1;
    return super.get(projectId);
  }
}

/** One lease owner of one project of these stages. */
export async function aLeaseOwner(
  stages: readonly { stage: string; stage_name?: string }[],
  store = new StrictStore(),
) {
  const tools = aRepository(store);
  const { repository } = tools;
  const plan = { pipeline: "test", pipeline_version: "1", stages };
  const { project_id } = await repository.control.create({ requirement: "r" }, plan);
  let lease_token = 0;
  let lease_seq = 0;
  return {
    ...tools,
    store,
    id: project_id,
    get key() {
      return { lease_token, lease_seq };
    },
    async claim(owner = "w"): Promise<Project> {
      const item = await store.get(project_id);
      const queue = typeof item?.work_queue === "string" ? item.work_queue : "none";
      const claimed = await repository.work.claim(project_id, owner, queue);
      if (!claimed) throw new Error("the claim was refused");
      ({ lease_token, lease_seq } = claimed);
      return claimed.project;
    },
    /** The next write of the lease owner; a refused one has not used its number. */
    async report(given: readonly ReportEventInput[], release: false | Release = false): Promise<Project> {
      const project = await repository.work.report({
        project_id,
        lease_token,
        lease_seq: lease_seq + 1,
        events: events(...given),
        release,
      });
      lease_seq += 1;
      return project;
    },
    async item() {
      const item = await store.get(project_id);
      if (!item) throw new Error("the project is gone");
      return item;
    },
  };
}

export type LeaseOwner = Awaited<ReturnType<typeof aLeaseOwner>>;

export function stageOf(project: Project, key: string) {
  const stage = project.stages_snapshot.stages.find((one) => one.stage === key);
  if (!stage) throw new Error(`no stage ${key}`);
  return stage;
}
