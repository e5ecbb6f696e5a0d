import { expect, test } from "vitest";
import { receiveToasts, type ToastMessage, toast } from "./toast.ts";

test("what is said before there is a place to show it is shown once there is one, and once", () => {
  toast.say("early");
  const seen: ToastMessage[] = [];
  const end = receiveToasts((message) => seen.push(message));
  toast.fail("late", "why");
  end();
  const again: ToastMessage[] = [];
  receiveToasts((message) => again.push(message))();
  expect(seen).toEqual([
    { title: "early", description: undefined, failed: false },
    { title: "late", description: "why", failed: true },
  ]);
  expect(again).toEqual([]);
});
