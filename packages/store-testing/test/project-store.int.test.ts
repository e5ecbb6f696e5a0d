import { afterAll, beforeAll } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { equivalenceSuite } from "../src/equivalence.suite.ts";
import { projectStoreSuite } from "../src/project-store.suite.ts";
import { ENGINES, startStore } from "./store.ts";

for (const engine of ENGINES) {
  let running: Awaited<ReturnType<typeof startStore>> | undefined;
  beforeAll(async () => {
    running = await startStore(engine);
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
  });
  const store = () => {
    if (!running) throw new Error("the engine has not started");
    return running.store;
  };
  projectStoreSuite(engine, store);
  equivalenceSuite(engine, store, SOAK ? 200 : 25);
}
