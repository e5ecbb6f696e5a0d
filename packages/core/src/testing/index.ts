export * from "./builders.ts";
export { changeFeedSuite, type FeedUnderTest } from "./change-feed.suite.ts";
export { equivalenceSuite } from "./equivalence.suite.ts";
export { FakeClock } from "./fake-clock.ts";
export { fileStoresSuite } from "./file-stores.suite.ts";
export { projectStoreSuite } from "./project-store.suite.ts";
export { recordStoreSuite } from "./record-store.suite.ts";
