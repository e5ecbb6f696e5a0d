import { MemoryRecordStore } from "@stagefold/core";
import { FakeClock } from "@stagefold/core/testing";
import { expect, test } from "vitest";
import { ApiKeys } from "./api-keys.ts";
import { LOCAL } from "./principal.ts";
import { Sessions } from "./sessions.ts";

/** The next read of a session is held up, with what it has read, until it is let go. */
class SlowRecords extends MemoryRecordStore {
  held: { readonly reached: () => void; readonly until: Promise<void> } | undefined;

  override async get(...given: Parameters<MemoryRecordStore["get"]>) {
    const item = await super.get(...given);
    const { held } = this;
    this.held = undefined;
    held?.reached();
    await held?.until;
    return item;
  }
}

/** Holds the next read up; resolves once it is under way. */
function heldRead(records: SlowRecords) {
  let letGo: (() => void) | undefined;
  const until = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    records.held = { reached: resolve, until };
  });
  return { reached, letGo: () => letGo?.() };
}

test.each(["revoke", "rotate"] as const)(
  "a request that began before %s does not keep the key alive",
  async (how) => {
    const records = new SlowRecords();
    const keys = new ApiKeys(records, new FakeClock());
    const { key, record } = await keys.create({ name: "ci", role: "member" }, "test");
    const { reached, letGo } = heldRead(records);
    const meanwhile = keys.verify(key);
    await reached;
    await keys[how](record.key_id);
    letGo();
    await meanwhile;
    expect(await keys.verify(key)).toBeUndefined();
  },
);

test.each(["end", "endAll"] as const)(
  "a request that began before %s does not keep the session alive",
  async (how) => {
    const records = new SlowRecords();
    const clock = new FakeClock();
    const sessions = new Sessions(records, clock, new ApiKeys(records, clock));
    const { token } = await sessions.begin({ ...LOCAL, kind: "user" });
    const { reached, letGo } = heldRead(records);
    const meanwhile = sessions.principalOf(token);
    await reached;
    await (how === "end" ? sessions.end(token) : sessions.endAll({ ...LOCAL, kind: "user" }));
    letGo();
    await meanwhile;
    expect(await sessions.principalOf(token)).toBeUndefined();
  },
);
