import fc from "fast-check";
import { expect, test } from "vitest";
import { StoreClock } from "./store-clock.ts";

/** A store whose clock is `aheadMs` before this machine's, and answers after `ms`. */
function machine(aheadMs: number, start = Date.UTC(2026, 0, 1)) {
  const state = { now: start, aheadMs };
  const clock = new StoreClock(() => state.now);
  const answer = (ms = 20) => {
    const sentAt = state.now;
    const date = new Date(sentAt + ms / 2 + state.aheadMs).toUTCString();
    state.now += ms;
    clock.observe(date, sentAt, state.now);
  };
  return { state, clock, answer };
}

test("a difference of up to two seconds is tolerated: this machine's clock is finer", () => {
  for (const ahead of [0, 900, -900, 1400]) {
    const { clock, answer, state } = machine(ahead);
    for (let i = 0; i < 50; i++) answer(37);
    expect(clock.skewMs).toBe(0);
    expect(clock.now()).toBe(state.now);
  }
});

test("the store's time decides when the machine's is wrong, to within a second, and soon more exactly", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4000, max: 10 ** 9 }),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 60 }),
      (size, behind, answers) => {
        const ahead = behind ? -size : size;
        const { clock, answer, state } = machine(ahead);
        for (const ms of answers) {
          answer(ms);
          expect(Math.abs(clock.now() - (state.now + ahead))).toBeLessThanOrEqual(500 + Math.max(...answers));
        }
      },
    ),
  );
  const { clock, answer, state } = machine(60_000);
  for (let i = 0; i < 200; i++) answer(13);
  expect(Math.abs(clock.now() - (state.now + 60_000))).toBeLessThan(50);
});

test("a jump of the machine's clock is put right by the next answer", () => {
  const { clock, answer, state } = machine(0);
  for (let i = 0; i < 20; i++) answer();
  const store = () => state.now + state.aheadMs;
  state.now += 3_600_000;
  state.aheadMs -= 3_600_000;
  answer();
  expect(Math.abs(clock.now() - store())).toBeLessThan(1000);
  state.now -= 7_200_000;
  state.aheadMs += 7_200_000;
  answer();
  expect(Math.abs(clock.now() - store())).toBeLessThan(1000);
});

test("an answer without a date, or with a senseless one, says nothing", () => {
  const { clock, state } = machine(0);
  clock.observe(undefined, state.now, state.now);
  clock.observe("soon", state.now, state.now);
  clock.observe(new Date(0).toUTCString(), state.now, state.now - 1);
  expect(clock.skewMs).toBe(0);
});
