export { type ChangeFeedOptions, PollingChangeFeed } from "./change-feed.ts";
export { type ClientOptions, createDynamoClient } from "./client.ts";
export { toDeleteItem, toPutItem, toUpdateItem } from "./expression.ts";
export { DYNAMODB_LIMITS } from "./limits.ts";
export {
  getRaw,
  type PlainItem,
  type RawItem,
  type RawScanOptions,
  scanRaw,
  toDynamoJson,
  toPlain,
} from "./raw.ts";
export { DynamoRecordStore } from "./record-store.ts";
export type { RequestEnd, RequestInfo, RequestListener } from "./requests.ts";
export { type ScanOptions, scanTable } from "./scan.ts";
export { DynamoProjectStore } from "./store.ts";
export { StoreClock } from "./store-clock.ts";
export {
  describeTable,
  ensureRecordsTable,
  ensureTable,
  INDEXES,
  RECORD_INDEXES,
  recordsTableDefinition,
  tableDefinition,
} from "./table.ts";
