import { MemoryChangeFeed, MemoryProjectStore, MemoryRecordStore } from "@stagefold/core";
import { agentRecordsSuite, changeFeedSuite, projectStoreSuite, recordStoreSuite } from "../src/index.ts";

const projects = new MemoryProjectStore();
projectStoreSuite("memory", () => projects);

const records = new MemoryRecordStore();
recordStoreSuite("memory", () => records);
agentRecordsSuite("memory", () => records);

changeFeedSuite(
  "memory",
  async () => {
    const store = new MemoryProjectStore();
    return {
      feed: new MemoryChangeFeed(store),
      here: store,
      elsewhere: store,
      errors: [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
  { tellsWork: true, withinMs: 5 },
);
