import { describe, expect, it, vi } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Reading } from "../../test/reading.ts";
import { createWatch } from "./index.ts";
import { watchMany } from "./watch-many.ts";

function setUp() {
  const deps = memoryDeps();
  const watch = createWatch(deps);
  const open = (projectIds: readonly string[] = [], after?: string) =>
    new Reading((signal) => watchMany({ ...deps, watch }, { projectIds }, { after, signal }));
  return { watch, open, projects: callerOf(deps).projects };
}

/** The next event of this kind; the kinds come in no fixed order. */
async function next(reading: ReturnType<ReturnType<typeof setUp>["open"]>, kind: string) {
  for (;;) {
    const event = await reading.next();
    if (event.change.kind === kind) return event;
  }
}

describe("watching the list and some projects in one stream", () => {
  it("gives the projects at once, then their changes and those of the list", async () => {
    const { watch, open, projects } = setUp();
    const one = await projects.create({ requirement: "one" });
    const other = await projects.create({ requirement: "other" });
    const reading = open([one.project_id]);
    expect((await next(reading, "project")).change).toMatchObject({ project: { revision: 1 } });
    await projects.pause({ project_id: one.project_id });
    expect((await next(reading, "project")).change).toMatchObject({ project: { status: "paused" } });
    await projects.pause({ project_id: other.project_id });
    const changed = await next(reading, "changed");
    expect(changed.change).toMatchObject({ project: { status: "paused" } });
    await reading.stop();
    expect([watch.list.open, watch.projects.open.watches]).toEqual([0, 0]);
  });

  it("says of one project that it is gone, and continues with the rest", async () => {
    const { open, projects } = setUp();
    const one = await projects.create({ requirement: "one" });
    const reading = open([one.project_id, "proj_000000000000"]);
    expect((await next(reading, "ended")).change).toMatchObject({
      project_id: "proj_000000000000",
      code: "PROJECT_NOT_FOUND",
    });
    await projects.delete({ project_id: one.project_id });
    expect((await next(reading, "ended")).change).toMatchObject({ project_id: one.project_id });
    const later = await projects.create({ requirement: "later" });
    expect((await next(reading, "changed")).change).toMatchObject({
      project: { project_id: later.project_id },
    });
    await reading.stop();
  });

  it("continues in the list after the event of any id, one of a project too", async () => {
    const { open, projects } = setUp();
    const one = await projects.create({ requirement: "one" });
    const reading = open([one.project_id]);
    const { id } = await next(reading, "project");
    expect(id).toMatch(/\+proj_[0-9a-f]{12}\.1-[0-9a-z]+$/);
    await reading.stop();
    const missed = await projects.create({ requirement: "missed" });
    await projects.pause({ project_id: one.project_id });
    const back = open([one.project_id], id);
    expect((await next(back, "project")).change).toMatchObject({ project: { status: "paused" } });
    // Nobody watched meanwhile: the poll finds what came.
    expect((await next(back, "changed")).change).toMatchObject({ kind: "changed" });
    expect(missed.revision).toBe(1);
    await back.stop();
  });

  it("watches many projects at once without a warning of a leak", async () => {
    const { open, projects } = setUp();
    const warned = vi.spyOn(process, "emitWarning");
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) ids.push((await projects.create({ requirement: `number ${i}` })).project_id);
    const reading = open(ids);
    for (const _id of ids) await next(reading, "project");
    await projects.pause({ project_id: ids[0] ?? "" });
    await next(reading, "changed");
    await reading.stop();
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it("tells a reader from another process to read the list again", async () => {
    const { open } = setUp();
    const reading = open([], "elsewhere-3+proj_000000000000.7");
    expect((await reading.next()).change).toEqual({ kind: "reset" });
    await reading.stop();
  });
});
