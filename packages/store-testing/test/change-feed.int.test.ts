import { PollingChangeFeed } from "@stagefold/core/dynamodb";
import { changeFeedSuite } from "../src/change-feed.suite.ts";
import { ENGINES, startStore } from "./store.ts";

for (const engine of ENGINES)
  changeFeedSuite(
    engine,
    async () => {
      const running = await startStore(engine);
      const errors: unknown[] = [];
      const onError = (error: unknown) => errors.push(error);
      return {
        feed: new PollingChangeFeed(running.store, { projectPollMs: 20, listPollMs: 40, onError }),
        here: running.store,
        elsewhere: running.store,
        errors,
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
    { tellsWork: false, withinMs: 200 },
  );
