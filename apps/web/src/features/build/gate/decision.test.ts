import { expect, it } from "vitest";
import { answerOf, decisionOf } from "./decision.ts";

const object = (properties: object, required: string[] = []) => ({ type: "object", properties, required });

it("asks yes or no where the gate does, and for the rest beside it", () => {
  const decision = decisionOf({
    answer_schema: object({ ok: { type: "boolean" }, comment: { type: "string" } }, ["ok"]),
  });
  expect([decision.yes, decision.fields.map(({ key }) => key)]).toEqual([{ ok: true }, ["comment"]]);
  expect(answerOf(decision, { comment: "fine" }, true)).toEqual({ comment: "fine", ok: true });
  expect(answerOf(decision, {}, false)).toEqual({ ok: false });
});

it("takes what the gate requires for the yes", () => {
  const schema = object({
    risky: { type: "boolean" },
    seen: { type: "boolean" },
    urgent: { type: "boolean" },
  });
  const decision = decisionOf({ answer_schema: schema, accept: { risky: false, seen: true } });
  expect(decision.fields.map(({ key }) => key)).toEqual(["urgent"]);
  expect(answerOf(decision, { urgent: true }, true)).toEqual({ urgent: true, risky: false, seen: true });
  expect(answerOf(decision, { urgent: false }, false)).toEqual({ urgent: false, risky: true, seen: false });
});

it("is a form where it asks something else", () => {
  const two = decisionOf({ answer_schema: object({ a: { type: "boolean" }, b: { type: "boolean" } }) });
  expect([two.yes, two.fields.length]).toEqual([{}, 2]);
  const word = decisionOf({ answer_schema: object({ go: { enum: ["yes", "no"] } }), accept: { go: "yes" } });
  expect([word.yes, word.fields.length]).toEqual([{}, 1]);
  expect(answerOf(word, { go: "no" }, true)).toEqual({ go: "no" });
});

it("takes a bare yes or no, and anything where nothing is asked for", () => {
  expect(answerOf(decisionOf({ answer_schema: { type: "boolean" } }), undefined, false)).toBe(false);
  const free = decisionOf({});
  expect(answerOf(free, undefined, true)).toBe(true);
  expect(answerOf(free, "go on", true)).toBe("go on");
});
