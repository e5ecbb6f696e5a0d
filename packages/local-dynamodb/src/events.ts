import type { EngineKind } from "./options.ts";

export type LocalDynamoDBEvent =
  /** `auto` took dynalite because dynoxide is not to be had. */
  | { event: "engine_fallback"; engine: EngineKind; reason: string }
  | { event: "engine_ready"; engine: EngineKind; pid: number; endpoint: string; restarts: number }
  /** A line the engine wrote. */
  | { event: "engine_output"; stream: "stdout" | "stderr"; line: string }
  /** Indexes rebuilt after an unclean stop. */
  | { event: "indexes_repaired"; tables: number; items: number; index_rows: number; duration_ms: number }
  | { event: "engine_exited"; pid: number; exit_code: number | null; signal: string | null }
  | { event: "engine_restarting"; rapid_failures: number; delay_ms: number }
  | { event: "engine_start_failed"; reason: string }
  /** The engine cannot start because the disk is full; it is tried again until there is room. Said once. */
  | { event: "engine_waits_for_disk"; reason: string }
  | { event: "engine_failed"; reason: string }
  /** The engine of a killed owner was found running and was ended. */
  | { event: "orphan_ended"; engine: EngineKind; pid: number }
  /** Something beside the data could not be done (a file not removed, a listener that threw). */
  | { event: "warning"; reason: string };

export type Log = (event: LocalDynamoDBEvent) => void;
