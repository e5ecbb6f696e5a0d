import { changeFeedSuite } from "../testing/change-feed.suite.ts";
import { MemoryChangeFeed } from "./change-feed.ts";
import { MemoryProjectStore } from "./project-store.ts";

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
