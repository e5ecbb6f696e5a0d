import type { AgentRecords, Turn } from "@stagefold/core";
import { afterEach, expect, it, vi } from "vitest";
import { watchTurn } from "./watch-turn.ts";

afterEach(() => void vi.useRealTimers());

it("all who watch a turn of another process share its reads, and one who leaves ends at once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let text = "a";
  let status: Turn["status"] = "running";
  const get = vi.fn(async () => ({ status, blocks: [{ type: "text", text }] }) as unknown as Turn);
  const records = { turns: { get } } as unknown as AgentRecords;
  const target = { session_id: "sess_1", turn: 1 };
  const watch = (signal?: AbortSignal) => {
    const seen: unknown[] = [];
    const ended = (async () => {
      for await (const event of watchTurn(records, () => undefined, target, signal))
        seen.push(event.event === "text" ? event.text : event.event);
    })();
    return { seen, ended };
  };
  const leaving = new AbortController();
  const watchers = Array.from({ length: 20 }, () => watch());
  const left = watch(leaving.signal);
  await vi.advanceTimersByTimeAsync(300);
  // Each begins with a read of its own, also one who comes later.
  const late = watch();
  expect(get).toHaveBeenCalledTimes(22);
  leaving.abort();
  await left.ended;
  text = "ab";
  await vi.advanceTimersByTimeAsync(500);
  status = "completed";
  await vi.advanceTimersByTimeAsync(500);
  for (const { seen, ended } of [...watchers, late]) {
    await ended;
    expect(seen).toEqual(["turn", "b", "end"]);
  }
  expect(left.seen).toEqual(["turn"]);
  expect(get).toHaveBeenCalledTimes(24);
});

it("a read that fails fails all who wait for it, and the next one is read anew", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const running = { status: "running", blocks: [] } as unknown as Turn;
  const get = vi.fn(async () => running);
  const records = { turns: { get } } as unknown as AgentRecords;
  const watch = async () => {
    for await (const _ of watchTurn(records, () => undefined, { invocation_id: "inv_1" }, undefined));
  };
  const refused = [watch(), watch()].map((one) => expect(one).rejects.toThrow("away"));
  await vi.advanceTimersByTimeAsync(100);
  get.mockRejectedValueOnce(new Error("away"));
  await vi.advanceTimersByTimeAsync(500);
  await Promise.all(refused);
  expect(get).toHaveBeenCalledTimes(3);
});
