import {
  itemBytes,
  newProjectId,
  type Project,
  type ProjectStore,
  type ReportEventInput,
  type Repository,
} from "@stagefold/core";
import { aRepository, events, TEST_PLAN } from "@stagefold/core/testing";
import { describe, expect, it } from "vitest";

const input = { requirement: "a calculator", user_id: "u1", tags: ["demo"] };

/**
 * What every project store must do. The stores it is given may be shared by its tests: each works on projects of
 * its own.
 */
export function projectStoreSuite(name: string, getStore: () => ProjectStore): void {
  const make = () => aRepository(getStore());
  const claimed = async (repository: Repository) => {
    const made = await repository.control.create({ ...input }, TEST_PLAN);
    const claim = await repository.work.claim(made.project_id, "w1", made.work_queue);
    if (!claim) throw new Error("the claim was refused");
    return { id: made.project_id, token: claim.lease_token, seq: claim.lease_seq };
  };
  const stored = async (id: string) => (await getStore().get(id)) ?? {};
  const statuses = (project: Project) =>
    project.stages_snapshot.stages.map((stage) => stage.status).join(" ");

  describe(`project store: ${name}`, () => {
    it("runs a build from the queue to its end in one item", async () => {
      const { repository, clock } = make();
      const { id, token, seq } = await claimed(repository);
      let n = seq;
      let project = await repository.work.report({
        project_id: id,
        lease_token: token,
        lease_seq: ++n,
        events: events({ event: "started", stage: "plan", agent_name: "planner" }),
      });
      for (const [stage, next] of [
        ["plan", "make"],
        ["make", "check"],
        ["check", undefined],
      ] as const) {
        clock.advance(1500);
        project = await repository.work.report({
          project_id: id,
          lease_token: token,
          lease_seq: ++n,
          events: events(
            { event: "log", stage, lines: ["one", "two"] },
            {
              event: "completed",
              stage,
              output: { made: stage },
              metrics: { input_tokens: 10 },
              artifacts: [{ path: `${stage}/a.txt`, size: 3 }],
            },
            ...(next ? [{ event: "started" as const, stage: next }] : []),
          ),
        });
      }
      expect(project).toMatchObject({
        status: "completed",
        progress_percentage: 100,
        current_stage: "check",
        lease: { claims: 0 },
        build_summary: {
          stage_seconds: { plan: 1.5, make: 1.5, check: 1.5 },
          input_tokens: 30,
          artifacts: 3,
        },
        stages_snapshot: { total: 3, completed: 3 },
      });
      expect(project.work_queue).toBeUndefined();
      expect(project.revision).toBe(6);
      expect(await repository.get(id)).toEqual(project);
      expect(itemBytes(await stored(id))).toBe(project.item_bytes);
    });

    it("creates once for one idempotency key, and refuses another input under it", async () => {
      const { repository } = make();
      const request = { ...input, user_id: newProjectId(), idempotency_key: "k" };
      const first = await repository.control.create(request, TEST_PLAN);
      const again = await repository.control.create(request, TEST_PLAN);
      expect(again).toEqual(first);
      await expect(
        repository.control.create({ ...request, requirement: "other" }, TEST_PLAN),
      ).rejects.toMatchObject({
        code: "IDEMPOTENCY_MISMATCH",
      });
    });

    it("lets one of many claimers win", async () => {
      const { repository } = make();
      const made = await repository.control.create({ ...input }, TEST_PLAN);
      const claims = await Promise.all(
        ["a", "b", "c", "d", "e", "f"].map((owner) =>
          repository.work.claim(made.project_id, owner, made.work_queue),
        ),
      );
      const won = claims.filter((claim) => claim !== undefined);
      expect(won).toHaveLength(1);
      expect(won[0]?.lease_token).toBe(made.lease_token + 1);
      expect((await repository.get(made.project_id)).lease.owner).toBe(won[0]?.project.lease.owner);
    });

    it("fences a superseded lease owner: nothing it writes is seen", async () => {
      const { repository, clock } = make();
      const { id, token, seq } = await claimed(repository);
      await repository.work.report({
        project_id: id,
        lease_token: token,
        lease_seq: seq + 1,
        events: events({ event: "started", stage: "plan" }),
      });
      clock.advance(66_000);
      const rescue = await repository.work.claim(id, "w2", (await repository.get(id)).work_queue);
      expect(rescue).toMatchObject({ lease_token: token + 1 });
      const before = await stored(id);
      const late = {
        project_id: id,
        lease_token: token,
        lease_seq: seq + 2,
        events: events({ event: "failed", stage: "plan", message: "late" }),
      };
      await expect(repository.work.report(late)).rejects.toMatchObject({ code: "LEASE_LOST" });
      await expect(repository.work.heartbeat(id, token)).rejects.toMatchObject({ code: "LEASE_LOST" });
      expect(await stored(id)).toEqual(before);
      const project = await repository.work.report({
        project_id: id,
        lease_token: token + 1,
        lease_seq: seq + 2,
        events: events({ event: "started", stage: "plan" }),
      });
      expect(project.stages_snapshot.stages[0]).toMatchObject({
        status: "running",
        attempt: 2,
        history: [{ attempt: 1, status: "failed", code: "WORKER_LOST" }],
      });
    });

    it("takes a repeated report for the one it has", async () => {
      const { repository } = make();
      const other = aRepository(getStore()).repository;
      const { id, token, seq } = await claimed(repository);
      const report = {
        project_id: id,
        lease_token: token,
        lease_seq: seq + 1,
        events: events({ event: "started", stage: "plan" }),
      };
      const first = await repository.work.report(report);
      // From a process that knows nothing, and from one that knows it.
      expect(await other.work.report(report)).toEqual(first);
      expect(await repository.work.report(report)).toEqual(first);
      await expect(repository.work.report({ ...report, lease_seq: seq })).rejects.toMatchObject({
        code: "LEASE_LOST",
      });
    });

    it("renews a lease without a reader seeing it, and tells of a pause", async () => {
      const { repository, clock } = make();
      const { id, token } = await claimed(repository);
      const before = await repository.get(id);
      clock.advance(10_000);
      const beat = await repository.work.heartbeat(id, token);
      const after = await repository.get(id);
      expect(beat).toMatchObject({ status: "building", expires_at: after.lease.expires_at });
      expect(after).toMatchObject({ revision: before.revision, updated_at: before.updated_at });
      expect(after.work_due_at?.localeCompare(before.work_due_at ?? "")).toBe(1);
      await repository.control.pause(id);
      clock.advance(10_000);
      expect(await repository.work.heartbeat(id, token)).toMatchObject({ status: "paused" });
      expect((await repository.get(id)).work_queue).toBeUndefined();
    });

    it("pauses, resumes, cancels and retries, each with the item alone deciding", async () => {
      const { repository } = make();
      const blind = aRepository(getStore()).repository;
      const { id, token, seq } = await claimed(repository);
      await repository.work.report({
        project_id: id,
        lease_token: token,
        lease_seq: seq + 1,
        events: events({ event: "started", stage: "plan" }),
      });
      expect(await blind.control.pause(id)).toMatchObject({ status: "paused" });
      await expect(repository.control.pause(id)).rejects.toMatchObject({
        code: "PROJECT_CONFLICT",
        data: { actual: "paused" },
      });
      const finished = await repository.work.report({
        project_id: id,
        lease_token: token,
        lease_seq: seq + 2,
        events: events({ event: "completed", stage: "plan" }),
      });
      expect(finished).toMatchObject({ status: "paused", stages_snapshot: { completed: 1 } });
      const start = {
        project_id: id,
        lease_token: token,
        lease_seq: seq + 3,
        events: events({ event: "started", stage: "make" }),
      };
      await expect(repository.work.report(start)).rejects.toMatchObject({ code: "PROJECT_CONFLICT" });
      expect(await repository.control.resume(id)).toMatchObject({ status: "building" });
      await repository.work.report(start);
      expect(await blind.control.cancel(id)).toMatchObject({ status: "cancelled", lease_token: token + 1 });
      const read = await repository.get(id);
      expect(statuses(read)).toBe("completed cancelled pending");
      await expect(repository.work.report({ ...start, lease_seq: seq + 4 })).rejects.toMatchObject({
        code: "LEASE_LOST",
      });
      const retried = await repository.control.retry(id, {});
      expect(retried).toMatchObject({ status: "queued", run: 2, restart_from: "make" });
      const again = await repository.work.claim(id, "w2", retried.work_queue);
      expect(again?.project).toMatchObject({ status: "building", stages_snapshot: { completed: 1 } });
      const begun = await repository.work.report({
        project_id: id,
        lease_token: again?.lease_token ?? 0,
        lease_seq: (again?.lease_seq ?? 0) + 1,
        events: events({ event: "started", stage: "make" }),
      });
      expect(begun.restart_from).toBeUndefined();
      expect(begun.stages_snapshot.stages[1]).toMatchObject({
        attempt: 2,
        history: [{ attempt: 1, status: "cancelled" }],
      });
    });

    it("makes the repeat of an operation harmless", async () => {
      const { repository } = make();
      const { id } = await claimed(repository);
      const first = await repository.control.pause(id, "op-1");
      expect(await repository.control.pause(id, "op-1")).toEqual(first);
      expect(await aRepository(getStore()).repository.control.pause(id, "op-1")).toEqual(first);
      await repository.control.cancel(id, "op-2");
      expect((await repository.control.cancel(id, "op-2")).lease_token).toBe(first.lease_token + 1);
    });

    it("records artifacts of a stage that does not run, also from many at once, and removes them", async () => {
      const { repository } = make();
      const made = await repository.control.create({ ...input }, TEST_PLAN);
      const id = made.project_id;
      const paths = Array.from({ length: 12 }, (_, i) => `file-${i}.txt`);
      const writers = paths.map(() => aRepository(getStore()).repository);
      await Promise.all(
        paths.map((path, i) => writers[i]?.artifacts.record(id, "make", [{ path, size: i }], "add")),
      );
      const project = await repository.get(id);
      expect([...(project.stages_snapshot.stages[1]?.output_data.artifacts ?? [])].sort()).toEqual(
        [...paths].sort(),
      );
      expect(project.revision).toBe(13);
      const replaced = await repository.artifacts.record(id, "make", [{ path: "only.txt" }], "replace");
      expect(replaced.stages_snapshot.stages[1]?.output_data.artifacts).toEqual(["only.txt"]);
      const removed = await repository.artifacts.removeForStage(id, "make");
      expect(removed.stages_snapshot.stages[1]?.output_data).toEqual({ artifacts: [], artifact_info: {} });
      expect(itemBytes(await stored(id))).toBe(removed.item_bytes);
    });

    it("deletes for good: no late write brings a project back", async () => {
      const { repository } = make();
      const { id, token, seq } = await claimed(repository);
      await repository.control.delete(id);
      await expect(repository.get(id)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
      await expect(repository.control.delete(id)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
      const other = aRepository(getStore()).repository;
      await expect(other.work.heartbeat(id, token)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
      const report = {
        project_id: id,
        lease_token: token,
        lease_seq: seq + 1,
        events: events({ event: "started", stage: "plan" }),
      };
      await expect(other.work.report(report)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
      await expect(other.control.pause(id)).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
      expect(await getStore().get(id)).toBeUndefined();
    });

    it("lists newest first, page by page, by user, status and filter", async () => {
      const { repository, clock } = make();
      const user = newProjectId();
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        clock.advance(1000);
        ids.unshift(
          (await repository.control.create({ ...input, user_id: user, tags: [`t${i % 2}`] }, TEST_PLAN))
            .project_id,
        );
      }
      await repository.control.cancel(ids[2] ?? "");
      const walk = async (filter: object) => {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await repository.lists.projects({ user_id: user, ...filter }, 3, cursor);
          seen.push(...page.items.map((item) => item.project_id));
          cursor = page.next_cursor ?? undefined;
        } while (cursor !== undefined);
        return seen;
      };
      expect(await walk({})).toEqual(ids);
      expect(await walk({ status: "cancelled" })).toEqual([ids[2]]);
      expect(await walk({ tag: "t1" })).toEqual(ids.filter((_, i) => (6 - i) % 2 === 1));
      expect(await walk({ text: ids[4]?.toUpperCase() })).toEqual([ids[4]]);
      expect(await walk({ since: "2026-01-01T00:00:02.000Z", until: "2026-01-01T00:00:04.000Z" })).toEqual([
        ids[4],
        ids[5],
      ]);
      await expect(repository.lists.projects({}, 3, "nonsense")).rejects.toMatchObject({
        code: "INVALID_INPUT",
      });
    });

    it("finds what a stage has noted, by name or value, while it is noted, page by page", async () => {
      const { repository, clock } = make();
      const user = newProjectId();
      const noted: [string, unknown][] = [
        ["verdict", "good"],
        ["verdict", 3],
        ["verdict", "3"],
        ["other", { b: 1, a: [true] }],
      ];
      const ids: string[] = [];
      const report = async (id: string, ...given: ReportEventInput[]) => {
        const { work_queue } = await repository.get(id);
        const claimed = await repository.work.claim(id, "w", work_queue);
        if (!claimed) throw new Error("expected a claim");
        const { lease_token, lease_seq } = claimed;
        let seq = lease_seq;
        const send = (...more: ReportEventInput[]) => {
          seq += 1;
          return repository.work.report({
            project_id: id,
            lease_token,
            lease_seq: seq,
            events: events(...more),
          });
        };
        await send(...given);
        return send;
      };
      const senders = [];
      for (const [name, value] of noted) {
        clock.advance(1000);
        const { project_id } = await repository.control.create({ ...input, user_id: user }, TEST_PLAN);
        ids.push(project_id);
        const begun = [
          { event: "started", stage: "plan" },
          { event: "noted", stage: "plan", notes: { [name]: value, all: 1 } },
        ] as const;
        senders.push(await report(project_id, ...begun));
      }
      const [good, three, text, other] = ids;
      const find = async (note: string, more: object = {}) => {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await repository.lists.projects({ user_id: user, note, ...more }, 3, cursor);
          seen.push(...page.items.map(({ project_id }) => project_id));
          cursor = page.next_cursor ?? undefined;
        } while (cursor !== undefined);
        return seen;
      };
      expect(await find("verdict")).toEqual([text, three, good]);
      expect(await find("verdict=good")).toEqual([good]);
      expect(await find("verdict=3")).toEqual([text, three]);
      expect(await find('verdict="3"')).toEqual([text]);
      expect(await find('other={"a":[true],"b":1}')).toEqual([other]);
      expect(await find("all", { status: "building" })).toEqual([other, text, three, good]);
      expect(await find("verdict", { status: "queued" })).toEqual([]);
      expect(await find("verdict'; DROP TABLE notes")).toEqual([]);
      await senders[0]?.({ event: "noted", stage: "plan", notes: { verdict: null } });
      await repository.control.delete(three ?? "");
      expect(await find("verdict")).toEqual([text]);
      // What a stage has noted stays when it has ended.
      await senders[2]?.({ event: "completed", stage: "plan" });
      expect(await find("verdict=3")).toEqual([text]);
    });

    it("offers due work by priority, then age, and nothing that is not due", async () => {
      const { repository, clock } = make();
      const mine = new Set<string>();
      const add = async (priority: number) => {
        clock.advance(10);
        const made = await repository.control.create({ ...input, priority }, TEST_PLAN);
        mine.add(made.project_id);
        return made.project_id;
      };
      const [low, first, second, urgent] = [await add(5), await add(3), await add(3), await add(1)];
      const due = async () =>
        (await repository.work.due("agent_builds", 1000))
          .map((row) => row.project_id)
          .filter((id) => mine.has(id));
      expect(await due()).toEqual([urgent, first, second, low]);
      await repository.control.pause(first);
      const row = (await repository.work.due("agent_builds", 1000)).find(
        ({ project_id }) => project_id === urgent,
      );
      await repository.work.claim(urgent, "w", row?.work_queue);
      expect(await due()).toEqual([second, low]);
      clock.advance(66_000);
      expect(await due()).toEqual([urgent, second, low]);
    });

    it("pages through the work of a queue, also behind a row that is gone, and begins at a time", async () => {
      const { repository, clock } = make();
      // A queue of its own, so that what other tests leave does not matter.
      const queue = `agent_builds#p3#${newProjectId().slice(5)}`;
      const ids: string[] = [];
      const times: string[] = [];
      for (let i = 0; i < 7; i++) {
        clock.advance(1000);
        const made = await repository.control.create({ ...input }, TEST_PLAN);
        const edits = [{ op: "set" as const, path: ["work_queue"], value: queue }];
        await getStore().write({
          kind: "update",
          transition: "retry",
          project_id: made.project_id,
          guards: [],
          edits,
        });
        ids.push(made.project_id);
        times.push(made.work_due_at ?? "");
      }
      const first = await repository.work.dueIn(queue, 3);
      expect(first.map((row) => row.project_id)).toEqual(ids.slice(0, 3));
      await repository.control.delete(ids[2] ?? "");
      const second = await repository.work.dueIn(queue, 3, first.at(-1));
      expect(second.map((row) => row.project_id)).toEqual(ids.slice(3, 6));
      const third = await repository.work.dueIn(queue, 3, second.at(-1));
      expect(third.map((row) => row.project_id)).toEqual(ids.slice(6));
      expect(await repository.work.dueIn(queue, 3, third.at(-1))).toEqual([]);
      const since = await getStore().due(queue, times[5] ?? "", 10, { since: times[4] });
      expect(since.map((row) => row.project_id)).toEqual(ids.slice(4, 6));
      expect(await getStore().due(queue, times[0] ?? "", 10, { since: times[1] })).toEqual([]);
    });

    it("W4: finds the work of one pipeline behind much work of another, also behind rows that are refused", async () => {
      const { repository, clock } = make();
      const other = `pipeline-${newProjectId().slice(5)}`;
      const wanted = `wanted-${newProjectId().slice(5)}`;
      const create = async (pipeline: string) => {
        clock.advance(1);
        const plan = { pipeline, stages: TEST_PLAN.stages, pipeline_version: undefined };
        return (await repository.control.create({ ...input, pipeline }, plan)).project_id;
      };
      for (let n = 0; n < 120; n++) await create(other);
      const each = async (pipelines: string[]) => {
        const ids: string[] = [];
        for await (const row of repository.work.eachDue("external", pipelines)) ids.push(row.project_id);
        return ids;
      };
      expect(await each([wanted])).toEqual([]);
      const made = [];
      for (let n = 0; n < 25; n++) made.push(await create(wanted));
      expect((await each([wanted])).sort()).toEqual([...made].sort());
      expect(await each([wanted, other])).toHaveLength(145);
      const first = made.slice(0, 24);
      for (const id of first) await repository.control.pause(id);
      expect(await each([wanted])).toEqual(made.slice(24));
      for (const id of await each([other])) await repository.control.delete(id);
    });

    it("tells what is held, and not what waits", async () => {
      const { repository, clock } = make();
      const { id } = await claimed(repository);
      await repository.control.create({ ...input }, TEST_PLAN);
      const mine = async () =>
        (await repository.work.held("agent_builds", 1000)).filter((row) => row.project_id === id);
      expect(await mine()).toMatchObject([{ user_id: "u1", lease: { owner: "w1", claims: 1 } }]);
      const all = await repository.work.held("agent_builds", 1000);
      expect(all.every((row) => row.lease?.owner !== undefined)).toBe(true);
      clock.advance(120_000);
      // Its lease has run out: it is due, and nobody's.
      expect(await mine()).toEqual([]);
    });

    it("lists the artifacts of an agent, newest build first", async () => {
      const { repository, clock } = make();
      const agent_id = newProjectId().replace("proj", "agent");
      const made: string[] = [];
      for (let i = 0; i < 3; i++) {
        clock.advance(1000);
        const { project_id } = await repository.control.create({ ...input, agent_id }, TEST_PLAN);
        await repository.artifacts.record(project_id, "plan", [{ path: "a" }, { path: "b" }], "add");
        made.unshift(project_id);
      }
      const page = await repository.lists.artifactsByAgent(agent_id, 4);
      expect(page.items.map(({ project_id, path }) => [project_id, path])).toEqual([
        [made[0], "a"],
        [made[0], "b"],
        [made[1], "a"],
        [made[1], "b"],
      ]);
      const rest = await repository.lists.artifactsByAgent(agent_id, 4, page.next_cursor ?? undefined);
      expect(rest).toMatchObject({
        items: [{ project_id: made[2] }, { project_id: made[2] }],
        next_cursor: null,
      });
    });

    it("reads an older form, replaces it at its first write, and keeps what it does not know", async () => {
      const { repository } = make();
      const id = newProjectId();
      const legacy = {
        project_id: id,
        project_name: "old",
        status: "paused",
        created_at: "2025-01-01T00:00:00.000000Z",
        updated_at: "2025-01-01T00:00:01.000000Z",
        artifacts_base_path: "projects/old",
        stages_snapshot: JSON.stringify({
          total: 1,
          stages: [
            {
              stage: "prompt_engineer",
              stage_name: "提示词工程",
              status: "completed",
              extra: 1,
              output_data: { artifacts: ["p.yaml"] },
            },
          ],
        }),
      };
      await getStore().write({ kind: "put", transition: "create", project_id: id, guards: [], item: legacy });
      expect(await repository.get(id)).toMatchObject({ status: "paused", progress_percentage: 100 });
      await repository.artifacts.record(id, "prompt_engineer", [{ path: "q.yaml" }], "add");
      const item = await stored(id);
      expect(item).toMatchObject({ schema_version: 1, artifacts_base_path: "projects/old" });
      expect(item).toMatchObject({
        stages_snapshot: {
          stages: [{ extra: 1, stage_name: "提示词工程", output_data: { artifacts: ["p.yaml", "q.yaml"] } }],
        },
      });
    });

    it("leaves a snapshot that cannot be read alone, but for its deletion", async () => {
      const { repository } = make();
      const id = newProjectId();
      const damaged = {
        project_id: id,
        status: "failed",
        created_at: "2025-01-01T00:00:00.000Z",
        stages_snapshot: '{"total": 7, "stages": [',
      };
      await getStore().write({
        kind: "put",
        transition: "create",
        project_id: id,
        guards: [],
        item: damaged,
      });
      await expect(repository.get(id)).rejects.toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
      await expect(repository.control.cancel(id)).rejects.toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
      await expect(repository.control.retry(id, {})).rejects.toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
      await expect(repository.artifacts.record(id, "plan", [{ path: "a" }], "add")).rejects.toMatchObject({
        code: "SNAPSHOT_UNREADABLE",
      });
      expect(await stored(id)).toEqual(damaged);
      const page = await repository.lists.projects({ status: "failed" }, 100);
      expect(page.items.map((item) => item.project_id)).toContain(id);
      await repository.control.delete(id);
      expect(await getStore().get(id)).toBeUndefined();
    });
  });
}
