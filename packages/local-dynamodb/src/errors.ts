import type { EngineKind } from "./options.ts";

/** What went wrong, and the facts that go with it. The list is closed. */
export type LocalDynamoDBProblem =
  /** Another process has this data folder open. `owner_pid` is absent when the owner has not written it yet. */
  | { code: "DATA_DIR_IN_USE"; data_dir: string; owner_pid?: number }
  /** The folder cannot be created, read or written, or is not a folder. */
  | { code: "DATA_DIR_UNUSABLE"; data_dir: string; path: string; reason: string }
  /** The folder holds the data of another engine than the one asked for. */
  | { code: "ENGINE_DATA_CONFLICT"; data_dir: string; expected: EngineKind | "auto"; found: EngineKind[] }
  /** There is no engine binary at the given path, or none installed where one is needed. */
  | { code: "ENGINE_NOT_FOUND"; engine: EngineKind; path?: string }
  /** The binary is there but does not run. */
  | { code: "ENGINE_UNUSABLE"; engine: EngineKind; path: string; reason: string }
  /** No port on 127.0.0.1 could be bound. */
  | { code: "PORT_UNAVAILABLE"; port: number; reason: string }
  /** The engine ended or kept silent before it answered. */
  | { code: "ENGINE_START_FAILED"; engine: EngineKind; reason: string }
  /** The engine died again and again and is no longer restarted. */
  | { code: "ENGINE_FAILED"; engine: EngineKind; failures: number; reason: string }
  /** The engine of a killed owner still holds the data and could not be ended. */
  | { code: "ENGINE_STILL_RUNNING"; engine: EngineKind; pid: number; reason: string };

export type LocalDynamoDBErrorCode = LocalDynamoDBProblem["code"];

export class LocalDynamoDBError extends Error {
  override readonly name = "LocalDynamoDBError";
  readonly problem: LocalDynamoDBProblem;

  constructor(problem: LocalDynamoDBProblem, options?: { cause?: unknown }) {
    super(sentence(problem), options);
    this.problem = problem;
  }

  get code(): LocalDynamoDBErrorCode {
    return this.problem.code;
  }
}

function sentence(problem: LocalDynamoDBProblem): string {
  switch (problem.code) {
    case "DATA_DIR_IN_USE":
      return `the data folder ${problem.data_dir} is already in use by ${
        problem.owner_pid === undefined ? "another process" : `process ${problem.owner_pid}`
      }; stop that one first or choose another folder`;
    case "DATA_DIR_UNUSABLE":
      return `the data folder ${problem.data_dir} cannot be used: ${problem.path}: ${problem.reason}`;
    case "ENGINE_DATA_CONFLICT":
      return problem.expected === "auto"
        ? `the data folder ${problem.data_dir} holds data of ${problem.found.join(" and ")}; name the engine to use`
        : `the data folder ${problem.data_dir} holds data of ${problem.found.join(" and ")}, but ${problem.expected} was asked for and would start empty; use that engine or another folder`;
    case "ENGINE_NOT_FOUND":
      return problem.path === undefined
        ? `the ${problem.engine} engine is needed but is not installed on this platform; give the path of its binary`
        : `there is no ${problem.engine} binary at ${problem.path}`;
    case "ENGINE_UNUSABLE":
      return `the ${problem.engine} engine at ${problem.path} does not run: ${problem.reason}`;
    case "PORT_UNAVAILABLE":
      return `port ${problem.port} on 127.0.0.1 cannot be bound: ${problem.reason}`;
    case "ENGINE_START_FAILED":
      return `the ${problem.engine} engine did not start: ${problem.reason}`;
    case "ENGINE_FAILED":
      return `the ${problem.engine} engine failed ${problem.failures} times in a row and is not restarted any more: ${problem.reason}`;
    case "ENGINE_STILL_RUNNING":
      return `the ${problem.engine} engine of an earlier run (process ${problem.pid}) still holds the data: ${problem.reason}`;
  }
}

/** The message of anything thrown, for sentences. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system or LevelDB error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
