import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "./run.ts";
import { serveThat } from "./server.ts";

const [one, two] = ["proj_000000000001", "proj_000000000002"];
const quietly = { code: 130, stdout: "", stderr: "" };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-interrupt-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What Ctrl-C does, known once a command runs. */
let interrupt: () => void;
const onStart = (given: () => void) => {
  interrupt = given;
};

test.each([
  [["ls", "--all"]],
  [["show", one]],
  [["watch", one]],
  [["pause", one, two]],
  [["delete", one, two, "-y"]],
  [["bulk", "delete", "--all", "-y"]],
  [["create-many", "-"]],
  [["artifacts", one]],
  [["chat", "agent_0123456789ab", "hello"]],
])("Ctrl-C ends %o while the API does not answer", async (args) => {
  using api = await serveThat(() => interrupt());
  const stdin = Readable.from(['{"requirement":"a"}\n']);
  expect(await run(args, api.env, { stdin, onStart })).toEqual(quietly);
  expect(api.asked).toHaveLength(1);
});

test("Ctrl-C between two requests ends the loop that makes them", async () => {
  const rows = Array.from({ length: 250 }, () => '{"requirement":"a"}').join("\n");
  await writeFile(join(folder, "rows.ndjson"), rows);
  const empty = { result: { data: { items: [], next_cursor: "more", matched: 0, done: 0, refused: [] } } };
  for (const args of [
    ["ls", "--all"],
    ["bulk", "delete", "--all", "-y"],
    ["create-many", join(folder, "rows.ndjson")],
  ]) {
    using api = await serveThat((_req, res) => {
      res.end(JSON.stringify(empty));
      if (api.asked.length === 2) res.once("close", () => interrupt());
    });
    expect(await run(args, api.env, { onStart })).toMatchObject({ code: 130 });
    expect(api.asked.length).toBeLessThan(10);
  }
});

test.each([
  ["chat", "turns.send", "turns.stop"],
  ["invoke", "agents.invoke", "invocations.stop"],
])("Ctrl-C while %s sends the question stops what was begun", async (command, sends, stops) => {
  const data = { session_id: `sess_${"0".repeat(32)}`, invocation_id: `inv_${"0".repeat(32)}`, turn: 1 };
  using api = await serveThat((_req, res) => {
    if (api.asked.at(-1) === sends) interrupt();
    res.end(JSON.stringify({ result: { data } }));
  });
  const args = [command, "agent_0123456789ab", "hello"];
  expect(await run(args, api.env, { onStart })).toMatchObject({ code: 130, stderr: "" });
  expect(api.asked).toContain(stops);
});

test("Ctrl-C in chat did nothing while the API was away, and the lost connection was not said", async () => {
  const data = { session_id: `sess_${"0".repeat(32)}`, turn: 1 };
  let watches = 0;
  using api = await serveThat((req, res) => {
    const procedure = api.asked.at(-1);
    if (procedure === "turns.watch") watches += 1;
    if (watches === 0) {
      res.end(JSON.stringify({ result: { data } }));
      return;
    }
    if (watches === 2 && procedure === "turns.watch") interrupt();
    if (watches > 1 || procedure !== "turns.watch") {
      req.socket.destroy();
      return;
    }
    res.writeHead(200, { "content-type": "text/event-stream" }).write("event: connected\ndata: {}\n\n");
    setTimeout(() => res.destroy(), 50);
  });
  const { code, stderr } = await run(["chat", "agent_0123456789ab", "hello"], api.env, { onStart });
  expect([code, api.asked.at(-1)]).toEqual([130, "turns.stop"]);
  expect(stderr).toMatch(
    /^connection lost; connecting again …\nnot stopped: .+; to try again: stagefold stop sess_0+\n$/,
  );
});

/** What a person sees and gets who is asked, and presses this. */
async function pressing(keys: string) {
  using api = await serveThat((_req, res) => res.end('{"result":{"data":{}}}'));
  const stdin = new PassThrough();
  const running = run(["delete", one], api.env, { stdin, isTTY: true });
  stdin.write(keys);
  return { ...(await running), asked: api.asked.length };
}

test("Ctrl-C, Ctrl-D and no at a question end in a word, without a stack", async () => {
  const ctrlC = await pressing("\u0003");
  expect(ctrlC).toMatchObject({ code: 130, asked: 0 });
  expect(ctrlC.stderr).toContain("for good? [y/N] ");
  expect(ctrlC.stderr).not.toMatch(/Error|stagefold:/);
  for (const keys of ["\u0004", "n\r", "\r"]) {
    const { code, stderr, asked } = await pressing(keys);
    expect({ code, asked }, JSON.stringify(keys)).toEqual({ code: 1, asked: 0 });
    expect(stderr).toMatch(/\nstagefold: nothing was done\n$/);
  }
  expect(await pressing("y\r")).toMatchObject({ code: 0, asked: 1 });
});
