import type { TurnFile } from "../../agents/turn-schema.ts";

/** One question, checked: what is recorded of it when its turn begins. */
export interface Asked {
  readonly agent_id: string;
  /** The version that is to answer. */
  readonly version: number;
  readonly user_id?: string | undefined;
  /** Which way in. */
  readonly caller: string;
  /** A repeat of the same question has the same one. */
  readonly key: string;
  readonly text: string;
  readonly files: readonly TurnFile[];
  readonly retry_of?: number | string | undefined;
  /** The most that the run may take; the hard deadline follows from it. */
  readonly timeout_seconds: number;
}

/** Which turn: of a session, or an invocation without one. */
export type TurnTarget =
  | { readonly session_id: string; readonly turn: number }
  | { readonly invocation_id: string };
