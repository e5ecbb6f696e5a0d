import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ObjectStream } from "./object-stream.ts";

const BYTES = Buffer.from("abcdef");
const WHOLE = { first: 0, last: BYTES.length - 1 };

/** A connection that brings two bytes and then nothing, and never closes. */
function stalled(from = 0): Readable {
  const body = new Readable({ read: () => undefined });
  body.push(BYTES.subarray(from, from + 2));
  return body;
}

describe("a download whose connection brings nothing any more", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("is resumed where it stopped", async () => {
    const resumed: number[] = [];
    const body = stalled();
    const stream = new ObjectStream(body, WHOLE, async (from) => {
      resumed.push(from);
      return Readable.from([BYTES.subarray(from)]);
    });
    const reading = text(stream);
    await vi.advanceTimersByTimeAsync(31_000);
    expect([await reading, resumed, body.destroyed]).toEqual(["abcdef", [2], true]);
  });

  it("ends with an error where every other connection stops as well", async () => {
    const stream = new ObjectStream(stalled(), { first: 0, last: 99 }, async (from) => stalled(from % 4));
    const reading = expect(text(stream)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await vi.advanceTimersByTimeAsync(5 * 31_000);
    await reading;
  });

  it("is told from a reader that takes its time", async () => {
    const body = Readable.from([...BYTES].map((byte) => Buffer.of(byte)));
    const resume = vi.fn(async () => undefined);
    const stream = new ObjectStream(body, WHOLE, resume);
    stream.read(0);
    await nextTurn();
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    expect([await text(stream), resume.mock.calls]).toEqual(["abcdef", []]);
  });
});
