import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { CHANNEL_ENV, openChannel } from "./child-channel.ts";

/** What the starter of a child that runs this code reads. The child ends when it is told to, or its channel does. */
async function saidBy(code: string): Promise<{ messages: unknown[]; reasons: string[] }> {
  const script = `process.on("message", (message) => { process.send(message, () => process.exit()); }); ${code}`;
  const child = spawn(process.execPath, ["-e", script], {
    env: CHANNEL_ENV,
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const messages: unknown[] = [];
  const reasons: string[] = [];
  const send = openChannel(child, {
    message: (message) => messages.push(message),
    garbled: (reason) => reasons.push(reason),
  });
  send({ text: "one\ntwo ü" });
  await once(child, "close");
  return { messages, reasons };
}

test("a child and its starter send each other what they say", async () => {
  const { messages, reasons } = await saidBy(`process.send([1]); process.send("x".repeat(200_000));`);
  expect(messages).toEqual([[1], "x".repeat(200_000), { text: "one\ntwo ü" }]);
  expect(reasons).toEqual([]);
});

test("a message that is meant for Node itself is one like any other", async () => {
  const acknowledged = { cmd: "NODE_HANDLE_ACK" };
  const { messages } = await saidBy(`process.send(${JSON.stringify(acknowledged)});`);
  expect(messages).toEqual([acknowledged, { text: "one\ntwo ü" }]);
});

test.each([
  ["a line that is no JSON", `require("node:fs").writeSync(3, "no json\\n");`, /JSON/],
  ["a line without end", `process.send("x".repeat(70_000_000));`, /at most 67108864 bytes/],
])("%s ends the channel and nothing else", async (_name, code, said) => {
  const { messages, reasons } = await saidBy(code);
  expect(messages).toEqual([]);
  expect(reasons).toEqual([expect.stringMatching(said)]);
});
