import { events } from "@stagefold/core/testing";
import { describe, expect, it } from "vitest";
import type { Entry, Told } from "../src/simulation/history.ts";
import { explain } from "../src/simulation/linearizability.ts";
import { type Answer, type Call, outcomes, type Spec } from "../src/simulation/specification.ts";
import { shown } from "../src/simulation/view.ts";

const STAGES = ["plan", "make"];
const CREATE: Call = { do: "create", token: 100, stages: STAGES.map((stage) => ({ stage })) };
const START = events({ event: "started", stage: "plan" });
const COMPLETE = events({ event: "completed", stage: "plan" });

/** A call from one moment to another; without an end it is not known how it went. */
function call(from: number, to: number | undefined, what: Call, answer: Answer = "ok", seen?: Spec): Entry {
  const view = seen && { token: seen.token, revision: seen.revision, text: shown(seen) };
  const told: (Told & { at: number }) | undefined = to === undefined ? undefined : { answer, view, at: to };
  return { process: "p", call: what, invokedAt: from, told };
}

/** A call that was left without an answer at one moment; what it sent may arrive later. */
function unanswered(from: number, gaveUpAt: number, what: Call): Entry {
  return { ...call(from, undefined, what), gaveUpAt };
}

function report(token: number, seq: number, given = START): Call {
  return { do: "report", token, seq, events: given, release: false };
}

/** The state after these calls, each as it goes well. */
function after(...calls: readonly Call[]): Spec {
  const end = calls.reduce<Spec | undefined>((state, one) => {
    const [good] = outcomes(state, one).filter(({ answer }) => answer === "ok");
    if (!good) throw new Error(`${one.do} is refused`);
    return good.state;
  }, undefined);
  if (!end) throw new Error("nothing is left");
  return end;
}

const verdictOf = (entries: readonly Entry[]) => explain(entries).verdict;
const CLAIM: Call = { do: "claim" };
const PAUSE: Call = { do: "pause", op: "a" };
const RESUME: Call = { do: "resume", op: "b" };
const GET: Call = { do: "get" };
const RECORD: Call = { do: "record", stage: "plan", paths: ["a"], mode: "add" };
const REMOVE: Call = { do: "record", stage: "plan", paths: [], mode: "replace" };

describe("a history that some order explains", () => {
  it.each<[string, readonly Entry[]]>([
    ["has no calls", []],
    [
      "is one thing after another",
      [
        call(0, 1, CREATE),
        call(2, 3, CLAIM),
        call(4, 5, report(101, 1)),
        call(6, 7, GET, "ok", after(CREATE, CLAIM, report(101, 1))),
      ],
    ],
    [
      "has calls at the same time, told of in another order than they began",
      [
        call(0, 1, CREATE),
        call(2, 9, GET, "ok", after(CREATE, CLAIM)),
        call(3, 8, CLAIM),
        call(4, 5, GET, "ok", after(CREATE)),
      ],
    ],
    [
      "has a write without an answer that took effect",
      [call(0, 1, CREATE), call(2, undefined, PAUSE), call(4, 5, GET, "ok", after(CREATE, PAUSE))],
    ],
    [
      "has a write without an answer that did not",
      [call(0, 1, CREATE), call(2, undefined, PAUSE), call(4, 5, GET, "ok", after(CREATE))],
    ],
    [
      "has a repeat that finds itself and shows what came of it",
      [
        call(0, 1, CREATE),
        call(2, undefined, PAUSE),
        call(4, 5, CLAIM, "none"),
        call(6, 7, PAUSE, "ok", after(CREATE, PAUSE)),
      ],
    ],
    [
      "has a lease owner that lost its lease to another",
      [
        call(0, 1, CREATE),
        call(2, 3, CLAIM),
        call(4, 5, CLAIM),
        call(6, 7, report(101, 1), "LEASE_LOST"),
        call(8, 9, report(102, 1)),
      ],
    ],
    [
      "has a report that took effect before another took over, which its lease owner never heard of",
      [
        call(0, 1, CREATE),
        call(2, 3, CLAIM),
        call(4, 9, report(101, 1), "LEASE_LOST"),
        call(5, 6, CLAIM, "ok"),
      ],
    ],
    [
      "has a claim that took effect and was overtaken by another, which has not begun, before its sender heard of it",
      [
        call(0, 1, CREATE),
        call(2, 9, CLAIM, "none"),
        call(3, undefined, CLAIM),
        call(4, 5, GET, "ok", after(CREATE, CLAIM, CLAIM)),
        call(10, 11, GET, "ok", after(CREATE, CLAIM, CLAIM)),
      ],
    ],
    [
      "has artifacts that are recorded again after another removed them, by a caller that never got an answer",
      [
        call(0, 1, CREATE),
        unanswered(2, 9, RECORD),
        call(3, 4, GET, "ok", after(CREATE, RECORD)),
        call(5, 6, REMOVE, "ok", after(CREATE, RECORD, REMOVE)),
        call(10, 11, GET, "ok", after(CREATE, RECORD, REMOVE, RECORD)),
      ],
    ],
    [
      "ends with its project",
      [call(0, 1, CREATE), call(2, 3, { do: "delete" }), call(4, 5, GET, "PROJECT_NOT_FOUND")],
    ],
    [
      "has artifacts that two people add and remove at once",
      [
        call(0, 1, CREATE),
        call(2, 9, { do: "record", stage: "plan", paths: ["a"], mode: "add" }),
        call(3, 8, { do: "record", stage: "plan", paths: [], mode: "replace" }),
        call(10, 11, GET),
      ],
    ],
  ])("%s", (_name, entries) => {
    expect(verdictOf(entries)).toBe("linearizable");
  });
});

describe("a history that no order explains", () => {
  it.each<[string, readonly Entry[]]>([
    [
      "a write that was acknowledged is not seen",
      [call(0, 1, CREATE), call(2, 3, PAUSE), call(4, 5, GET, "ok", after(CREATE))],
    ],
    [
      "the past is seen again",
      [
        call(0, 1, CREATE),
        call(2, undefined, PAUSE),
        call(3, 4, GET, "ok", after(CREATE, PAUSE)),
        call(5, 6, GET, "ok", after(CREATE)),
      ],
    ],
    [
      "something is seen before anybody did it",
      [call(0, 1, CREATE), call(2, 3, GET, "ok", after(CREATE, PAUSE)), call(4, 5, PAUSE)],
    ],
    [
      "a superseded lease owner writes",
      [call(0, 1, CREATE), call(2, 3, CLAIM), call(4, 5, CLAIM), call(6, 7, report(101, 1))],
    ],
    [
      "a superseded lease owner renews its lease",
      [call(0, 1, CREATE), call(2, 3, CLAIM), call(4, 5, CLAIM), call(6, 7, { do: "heartbeat", token: 101 })],
    ],
    [
      "a stage ends twice",
      [
        call(0, 1, CREATE),
        call(2, 3, CLAIM),
        call(4, 5, report(101, 1)),
        call(6, 7, report(101, 2, COMPLETE)),
        call(8, 9, report(101, 3, COMPLETE)),
      ],
    ],
    [
      "two numbers of one lease owner take effect in the wrong order",
      [
        call(0, 1, CREATE),
        call(2, 3, CLAIM),
        call(4, 5, report(101, 2)),
        call(6, 7, report(101, 1, COMPLETE)),
      ],
    ],
    [
      "an operation takes effect twice",
      [
        call(0, 1, CREATE),
        call(2, 3, PAUSE),
        call(4, 5, RESUME),
        call(6, 7, GET, "ok", { ...after(CREATE, PAUSE, RESUME, PAUSE), revision: 4 }),
        call(8, 9, GET, "ok", after(CREATE, PAUSE, RESUME)),
      ],
    ],
    [
      "a control write is refused that nothing stood against",
      [call(0, 1, CREATE), call(2, 3, PAUSE, "PROJECT_CONFLICT")],
    ],
    [
      "a project comes back",
      [call(0, 1, CREATE), call(2, 3, { do: "delete" }), call(4, 5, GET, "ok", after(CREATE))],
    ],
    [
      "two hold it by one claim each, under one token",
      [call(0, 1, CREATE), call(2, 5, CLAIM, "ok", began()), call(3, 6, CLAIM, "ok", began())],
    ],
    [
      "a claim took effect and still holds it, and its sender was told that it has nothing",
      [
        call(0, 1, CREATE),
        call(2, 9, CLAIM, "none"),
        call(4, 5, GET, "ok", after(CREATE, CLAIM)),
        call(10, 11, GET, "ok", after(CREATE, CLAIM)),
      ],
    ],
    [
      "artifacts are recorded again by a late copy, after another removed them",
      [
        call(0, 1, CREATE),
        unanswered(2, 3, RECORD),
        call(4, 5, GET, "ok", after(CREATE, RECORD)),
        call(6, 7, REMOVE, "ok", after(CREATE, RECORD, REMOVE)),
        call(8, 9, GET, "ok", after(CREATE, RECORD, REMOVE, RECORD)),
      ],
    ],
    [
      "an artifact that was recorded is gone",
      [
        call(0, 1, CREATE),
        call(2, 3, { do: "record", stage: "plan", paths: ["a"], mode: "add" }),
        call(4, 5, GET, "ok", { ...after(CREATE), revision: 2 }),
      ],
    ],
  ])("%s", (_name, entries) => {
    expect(verdictOf(entries)).toBe("not_linearizable");
  });
});

/** What a first claim shows its lease owner. */
function began(): Spec {
  return { ...after(CREATE, CLAIM), fresh: false };
}

it("says which calls could not be placed", () => {
  const lost = call(4, 5, GET, "ok", after(CREATE));
  const found = explain([call(0, 1, CREATE), call(2, 3, PAUSE), lost]);
  expect(found).toEqual({ verdict: "not_linearizable", furthest: 2, stuck: [lost] });
});

it("does not judge a history that it has not searched to the end", () => {
  const pauses = Array.from({ length: 12 }, (_, i) => call(2 + i, undefined, { do: "pause", op: `${i}` }));
  const wrong = [call(0, 1, CREATE), ...pauses, call(50, 51, GET, "ok", { ...after(CREATE), run: 7 })];
  expect(explain(wrong, 5)).toEqual({ verdict: "undecided", tried: 5 });
  expect(explain(wrong).verdict).toBe("not_linearizable");
});

it("finds the order of a long history in a time that grows with its length", () => {
  const calls: Call[] = [CREATE];
  for (let i = 0; i < 100; i++) calls.push({ do: "pause", op: `p${i}` }, { do: "resume", op: `r${i}` });
  const entries = calls.map((one, i) => call(2 * i, 2 * i + 1, one, "ok", after(...calls.slice(0, i + 1))));
  expect(explain(entries, 1000).verdict).toBe("linearizable");
});
