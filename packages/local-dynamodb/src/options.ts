import type { LocalDynamoDBError } from "./errors.ts";
import type { LocalDynamoDBEvent } from "./events.ts";

export type EngineKind = "dynoxide" | "dynalite";

/** When a dead engine is started again, and when that is given up. */
export interface RestartPolicy {
  /** Rapid failures in a row after which the engine is given up. */
  maxRapidFailures: number;
  /** A failure is rapid when the engine never answered or died sooner than this after it did (milliseconds). */
  rapidMs: number;
  /** Pause before the first restart in a row; doubles with each rapid failure (milliseconds). */
  firstDelayMs: number;
  maxDelayMs: number;
}

export interface StartOptions {
  /** The folder of all local data; the engine keeps its own under `dynamodb/` in it. Created if missing. */
  dataDir: string;
  /**
   * `auto` (the default) takes the engine whose data the folder holds; in a new folder dynoxide where its binary
   * is installed, else dynalite.
   */
  engine?: EngineKind | "auto";
  /** Path of the dynoxide binary, instead of the installed one. */
  dynoxidePath?: string;
  /** Everything the engine says and everything that happens to it. */
  log?: (event: LocalDynamoDBEvent) => void;
  restart?: Partial<RestartPolicy>;
  /** How long the engine may be silent before it answers (milliseconds, default 30,000). */
  startTimeoutMs?: number;
}

export interface LocalDynamoDB {
  /** `http://127.0.0.1:<port>`; stays the same over restarts of the engine. */
  readonly endpoint: string;
  readonly engine: EngineKind;
  /** The engine's process now; changes with every restart. */
  readonly pid: number;
  /** Calls back after each restart, when the engine answers again. Returns the way to unsubscribe. */
  onRestart(listener: (restart: { pid: number }) => void): () => void;
  /** Resolves, with the error, when the engine is given up. Never rejects; stays pending after `close`. */
  readonly failed: Promise<LocalDynamoDBError>;
  /** Ends the engine, waits for its end and frees the data folder. May be called again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
