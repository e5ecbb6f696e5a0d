export { type ClientOptions, createDynamoClient } from "./client.ts";
export { toDeleteItem, toPutItem, toUpdateItem } from "./expression.ts";
export { DYNAMODB_LIMITS } from "./limits.ts";
export type { RequestInfo, RequestListener } from "./requests.ts";
export { DynamoProjectStore } from "./store.ts";
export { ensureTable, INDEXES, tableDefinition } from "./table.ts";
