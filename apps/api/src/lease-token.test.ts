import { expect, it } from "vitest";
import { callerOf, memoryDeps, OWN_STAGES } from "../test/fixture.ts";
import { Program } from "../test/program.ts";
import { Reading } from "../test/reading.ts";
import { query, serve } from "../test/serve.ts";

it("A2: the lease token is in the answer of work.claim and in no other, streams included", async () => {
  const deps = memoryDeps();
  await using api = await serve(deps);
  const caller = callerOf(deps);
  const { projects, stages, artifacts, work } = caller;
  const made = await projects.create({ requirement: "x", pipeline: "mine", stages: OWN_STAGES });
  const { project_id } = made;
  const claimed = await work.claim({ owner: "p", project_id });
  if (!claimed) throw new Error("expected to claim it");
  const { lease_token, project, ...rest } = claimed;
  const program = await Program.claim(
    caller,
    (await projects.create({ requirement: "y", stages: OWN_STAGES })).project_id,
  );
  const on = { project_id, stage: "two" };
  const watching = new Reading(async function* (signal) {
    yield* await callerOf(deps, signal).projects.watch({ project_id });
  });
  const many = new Reading(async function* (signal) {
    yield* await callerOf(deps, signal).projects.watchMany({ project_ids: [project_id] });
  });
  const answers: Record<string, unknown> = {
    created: made,
    "claimed project": project,
    "rest of the claim": { ...rest },
    reported: await program.report({ event: "started", stage: "one" }),
    get: await projects.get({ project_id }),
    list: await projects.list(),
    "stages.list": await stages.list({ project_id }),
    "stages.get": await stages.get(on),
    recorded: await artifacts.record({ ...on, artifacts: [{ path: "a" }] }),
    removed: await artifacts.removeForStage(on),
    watch: await watching.next(),
    watchMany: await many.next(),
    paused: await projects.pause({ project_id }),
    resumed: await projects.resume({ project_id }),
    heartbeat: await work.heartbeat({ project_id, lease_token }),
    stream: await firstEvent(`${api.url}/trpc/projects.watch${query({ project_id })}`),
    released: await work.release({ project_id, lease_token, lease_seq: claimed.lease_seq + 1 }),
    cancelled: await projects.cancel({ project_id }),
    retried: await projects.retry({ project_id }),
  };
  await Promise.all([watching.stop(), many.stop()]);
  for (const [name, answer] of Object.entries(answers)) {
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    expect(text.length, name).toBeGreaterThan(20);
    expect(text, name).not.toContain("lease_token");
    expect(text, name).not.toContain(String(lease_token));
  }
});

/** The text of a stream up to its first event with data of a project. */
async function firstEvent(url: string): Promise<string> {
  const { body } = await fetch(url);
  let text = "";
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.includes("\nid: ")) return text;
  }
  throw new Error(`expected an event, the stream ended after ${text}`);
}
