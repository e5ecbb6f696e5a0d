import { join } from "node:path";
import { isStagefoldError, type Repository } from "@stagefold/core";
import { createFileStores } from "@stagefold/core/files";
import { describe, expect, test } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import { collect, compare } from "./audit/audit.ts";
import { type Finding, report } from "./audit/finding.ts";
import { ChosenFaults, type Rewrite } from "./net/faults.ts";
import { withoutFence } from "./net/wire.ts";
import { ENGINES, openWorld, type World } from "./world/world.ts";

/** A worker's write gets stuck in the network, another one takes over and writes, and then the first one arrives. */
async function lateWrite(world: World, faults: ChosenFaults, rewrite?: Rewrite): Promise<void> {
  const id = await world.driver.create(1);
  const first = await world.behind("first");
  const second = await world.behind("second");
  const held = await claim(first.repository, id);
  await first.repository.work.report({ ...held, lease_seq: held.lease_seq + 1, events: [started] });
  let arrive: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const stuck = () => {
    first.proxy.partitioned = true;
    return gate;
  };
  faults.choose("UpdateItem", { kind: "hold", until: stuck, ...(rewrite && { rewrite }) });
  const late = { ...held, lease_seq: held.lease_seq + 2, events: [progress(80)] };
  const outcome = await first.repository.work.report(late).catch((error: unknown) => error);
  expect(isStagefoldError(outcome, "STORE_UNAVAILABLE")).toBe(true);
  const taken = await claim(second.repository, id);
  expect(taken.lease_token).toBeGreaterThan(held.lease_token);
  await second.repository.work.report({
    ...taken,
    lease_seq: taken.lease_seq + 1,
    events: [started, progress(10)],
  });
  arrive();
  await world.drained();
}

const started = { event: "started", stage: "prepare" } as const;
const progress = (percent: number) => ({ event: "progress", stage: "prepare", progress: percent }) as const;

/** As soon as it is due: at once, or when the lease of another one has passed. */
async function claim(repository: Repository, project_id: string) {
  const { work_queue } = await repository.get(project_id, { consistent: true });
  const claimed = await until("the build to be claimed", () =>
    repository.work.claim(project_id, "a program", work_queue),
  );
  const { lease_token, lease_seq } = claimed;
  return { project_id, lease_token, lease_seq };
}

async function found(world: World): Promise<Finding[]> {
  return compare(await collect(world, createFileStores(join(world.root, "files"))));
}

describe.each(ENGINES)("a late write of a superseded worker on %s", (engine) => {
  test("is refused, and nothing is found", async () => {
    const faults = new ChosenFaults();
    await using world = await openWorld({ engine, workers: 0, faults });
    await lateWrite(world, faults);
    const writes = world.journal.projects.flatMap((id) => world.journal.writesTo(id));
    expect(writes.filter(({ outcome }) => outcome === "refused").at(-1)?.via).toBe("first");
    expect(report(await found(world))).toEqual([]);
  });

  test("is found, where the fence is taken out of it", async () => {
    const faults = new ChosenFaults();
    await using world = await openWorld({ engine, workers: 0, faults });
    await lateWrite(world, faults, withoutFence);
    const writes = world.journal.projects.flatMap((id) => world.journal.writesTo(id));
    expect(writes.at(-1)).toMatchObject({ via: "first", outcome: "accepted" });
    expect((await found(world)).map(({ what }) => what)).toContain("superseded writer");
  });
});
