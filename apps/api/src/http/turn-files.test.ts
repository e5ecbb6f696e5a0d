import {
  type AgentRunner,
  MemoryRecordStore,
  newAgentId,
  parseRef,
  placeOfTurn,
  refOf,
  type TurnPlace,
} from "@stagefold/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { serve } from "../../test/serve.ts";
import { createContextInner } from "../context.ts";

const deps = { ...memoryDeps(), records: new MemoryRecordStore() };
const LONG = "word ".repeat(30_000);
const places: TurnPlace[] = [];

/** Says a long text and writes a file. */
const runner: AgentRunner = {
  run: async ({ place }, { onEvent }) => {
    places.push(place);
    const at = placeOfTurn(place, "made", "0123456789abcdef/out/report.md");
    const { size, sha256 } = await deps.artifacts.put(at, Buffer.from("# Report"));
    const files = [{ name: "out/report.md", media_type: "text/markdown", size, sha256, ref: refOf(at) }];
    const tool = {
      type: "tool",
      id: "1",
      name: "write",
      input: {},
      output: "done",
      status: "completed",
    } as const;
    onEvent({ event: "tool", block: 0, tool: { ...tool, files } });
    onEvent({ event: "text", block: 1, at: 0, text: LONG });
    const usage = {
      input_tokens: 0,
      output_tokens: 0,
      cached_tokens: 0,
      tool_calls: 1,
      steps: 1,
      cost_usd: 0,
    };
    return { status: "completed", error: null, finish_reason: "stop", usage };
  },
};

let api: Awaited<ReturnType<typeof serve>>;
let agent_id: string;
beforeAll(async () => {
  api = await serve({ ...deps, runner });
  agent_id = newAgentId();
  const version = {
    ...{
      version: 1,
      project_id: "proj_0123456789ab",
      run: 1,
      stage: "s",
      attempt: 1,
      kind: "rules" as const,
    },
    ...{ at: "2025-06-01T10:00:00.000Z", entry: "a.mjs", tools: [], unmet: [], secrets: [] },
  };
  await createContextInner(deps).agentRecords.agents.publish(agent_id, { agent_name: "a" }, version);
});
afterAll(async () => {
  await api.close();
});

const address = (ref: string, search = "") => {
  const { project_id, stage, attempt, path } = parseRef(ref);
  return `/artifacts/${project_id}/${path}?stage=${stage}&attempt=${attempt}${search}`;
};

async function answered() {
  const { session_id } = await api.client.sessions.create.mutate({ agent_id });
  const files = [{ name: "data.csv", text: "a,b" }];
  const { turn } = await api.client.turns.send.mutate({ session_id, text: "x", files });
  const ended = await expect
    .poll(() => api.client.turns.get.query({ session_id, turn }))
    .toMatchObject({ status: "completed" })
    .then(() => api.client.turns.get.query({ session_id, turn }));
  return { session_id, turn, ended };
}

it("serves what a turn names by a ref: its files, the whole of a long text, the question's files", async () => {
  const { ended } = await answered();
  const [tool, text] = ended.blocks;
  if (tool?.type !== "tool" || text?.type !== "text") throw new Error("expected a tool and a text");
  const report = await api.call(address(tool.files?.[0]?.ref ?? ""));
  expect(report).toMatchObject({ status: 200, text: "# Report" });
  expect(report.headers.get("content-disposition")).toContain("filename=report.md");
  expect(report.headers.get("content-type")).toContain("text/markdown");
  expect(text.text.length).toBeLessThan(LONG.length);
  expect((await api.call(address(text.ref ?? ""))).text).toBe(LONG);
  const [csv] = ended.user.files;
  expect((await api.call(address(csv?.ref ?? "", "&turn=1"))).text).toBe("a,b");
});

it("serves nothing that the turn does not name, and nothing of a session that is deleted", async () => {
  const { session_id, ended } = await answered();
  const place = places.at(-1) ?? { id: "", turn: 0, token: 0 };
  const stale = placeOfTurn({ ...place, token: place.token - 1 }, "made", "0123456789abcdef/out/report.md");
  await deps.artifacts.put(stale, Buffer.from("of an owner who lost the turn"));
  const [tool] = ended.blocks;
  const ref = tool?.type === "tool" ? (tool.files?.[0]?.ref ?? "") : "";
  for (const wrong of [
    address(refOf(stale)),
    address(ref.replace("/1/", "/2/")),
    address(ref.replace(session_id, `sess_${"0".repeat(32)}`)),
    address(ref.replace(session_id, `inv_${"0".repeat(32)}`)),
  ])
    expect(await api.call(wrong)).toMatchObject({ status: 404 });
  await callerOf(deps).sessions.delete({ session_id });
  expect(await api.call(address(ref))).toMatchObject({ status: 404 });
  expect(await deps.artifacts.get(parseRef(ref))).toBeUndefined();
});
