import { expect, test } from "vitest";
import { widthOf } from "../src/view/width.ts";
import { run } from "./run.ts";
import { serveThat } from "./server.ts";

/** Fields of the rows of all lists. */
const row = { at: "2026-05-01T10:00:00.000Z", created_at: "2026-05-01T10:00:00.000Z", by: "ada", name: "n" };
const ids = { schedule_id: "sched_0", event_id: "evt_0", procedure: "keys.create", result: "ok" };

test.each([[["audit"]], [["schedules", "list"]], [["webhooks", "deliveries", "hook_0123456789abcdef"]]])(
  "%o says when it was cut, and reads on with --all and a high --limit",
  async (args) => {
    using api = await serveThat((req, res) => {
      const { limit, cursor } = JSON.parse(
        new URL(req.url ?? "", "http://x").searchParams.get("input") ?? "",
      );
      const items = Array.from({ length: limit }, () => ({ ...row, ...ids }));
      res.end(
        JSON.stringify({ result: { data: { items, next_cursor: cursor === "last" ? null : "last" } } }),
      );
    });
    const heading = args[0] === "schedules" ? 1 : 0;
    const linesOf = (stdout: string) => stdout.trimEnd().split("\n").length - heading;
    const cut = await run([...args, "--limit", "3"], api.env);
    expect(cut).toMatchObject({ code: 0, stderr: "there may be more: --all, or a higher --limit\n" });
    expect(linesOf(cut.stdout)).toBe(3);
    expect(linesOf((await run([...args, "--limit", "150"], api.env)).stdout)).toBe(150);
    const all = await run([...args, "--all"], api.env);
    expect(all).toMatchObject({ code: 0, stderr: "" });
    expect(linesOf(all.stdout)).toBe(200);
    expect(JSON.parse((await run([...args, "--all", "--json"], api.env)).stdout).items).toHaveLength(200);
  },
);

const AGENT = "agent_0123456789ab";
const LONG = "每个城市的价格 and what comes of them ".repeat(10);
/** The columns of one row of each of these lists. */
const columns = {
  ...{ agent_id: AGENT, version: 3, tools: 12, title: LONG, turns: 17, text: LONG, name: LONG, turn: 7 },
  ...{ session_id: `sess_${"0a".repeat(16)}`, started_at: row.at, last_active_at: row.at, next_at: row.at },
  ...{
    schedule_id: `sched_${"0".repeat(16)}`,
    last: { project_id: "proj_0123456789ab" },
    created_at: row.at,
  },
  ...{ webhook_id: `hook_${"0".repeat(16)}`, format: "standard", url: LONG, duration_ms: 59_000 },
  ...{ key_id: "0123456789ab", role: "operator", last_used_at: row.at },
};

test.each([
  [["agents"], "disabled"],
  [["sessions", AGENT], "active"],
  [["invocations", AGENT], "interrupted"],
  [["schedules", "list"], "paused"],
  [["webhooks", "list"], "paused"],
  [["keys", "list"], "active"],
])("lines of %o were wider than a terminal of 80 columns", async (args, status) => {
  using api = await serveThat((_req, res) =>
    res.end(JSON.stringify({ result: { data: { items: [{ ...columns, status }], next_cursor: null } } })),
  );
  const shown = (await run(args, api.env, { columns: 80 })).stdout.trimEnd().split("\n");
  expect(shown.map(widthOf)).toEqual([
    expect.any(Number),
    expect.toSatisfy((width) => width === 80 || width === 79),
  ]);
  expect(widthOf(shown[0] ?? "")).toBeLessThanOrEqual(80);
  expect(shown[1]).toContain("每个城市的价格 and");
  // A program gets all of it.
  expect((await run(args, api.env)).stdout).toContain(LONG.trim());
});
