import { expect, test } from "vitest";
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
