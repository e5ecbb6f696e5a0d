export type { EndpointFile } from "./endpoint-file.ts";
export { LocalDynamoDBError, type LocalDynamoDBErrorCode, type LocalDynamoDBProblem } from "./errors.ts";
export type { LocalDynamoDBEvent } from "./events.ts";
export { type FoundLocalDynamoDB, findLocalDynamoDB } from "./find.ts";
export { importIntoDataDir, type TableImport } from "./import.ts";
export type { EngineKind, LocalDynamoDB, RestartPolicy, StartOptions } from "./options.ts";
export { startLocalDynamoDB } from "./start.ts";
