export { agentRecordsSuite } from "./agent-records.suite.ts";
export { changeFeedSuite, type FeedUnderTest } from "./change-feed.suite.ts";
export { ENGINES, type Engine, type EngineName, startEngine } from "./engine.ts";
export { equivalenceSuite } from "./equivalence.suite.ts";
export { fileStoresSuite } from "./file-stores.suite.ts";
export { projectStoreSuite } from "./project-store.suite.ts";
export { recordStoreSuite } from "./record-store.suite.ts";
export { type S3Double, type S3Fate, type S3Request, startS3Double } from "./s3-double.ts";
