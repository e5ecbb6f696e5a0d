import type { Agent, AgentSettings, AgentVersion } from "../agents/agent-schema.ts";
import type { TurnPlace } from "../agents/refs.ts";
import type { RunEvent } from "../agents/run-event.ts";
import type { RunUsage, Turn, TurnFile } from "../agents/turn-schema.ts";
import type { TurnErrorCode } from "../errors.ts";

/** One question to one version of an agent. */
export interface RunRequest {
  readonly agent: Agent;
  /** `project_id`, `files` and, without them, `run`, `stage` and `attempt` say where its files are in the ArtifactStore. */
  readonly version: AgentVersion;
  /** Oldest first, already chosen to fit the token budget. */
  readonly history: readonly Turn[];
  /** The bytes of a file are in the ArtifactStore at `parseRef(file.ref)`. */
  readonly user: { readonly text: string; readonly files: readonly TurnFile[] };
  readonly settings: AgentSettings;
  /** Below which files that the agent writes are kept. */
  readonly place: TurnPlace;
  /** The trace context of the turn: its tools find it in their environment. */
  readonly traceparent?: string | undefined;
}

export interface RunOutcome {
  readonly status: "completed" | "failed" | "cancelled";
  /** Of a failed one. The message is for people, without what a provider or generated code said in confidence. */
  readonly error: { readonly code: TurnErrorCode; readonly message: string } | null;
  readonly finish_reason: string;
  readonly usage: RunUsage;
  /** When the first text came, where the runner knows better than the reader of its events. */
  readonly first_text_at?: string | undefined;
}

/** Runs agents: reads their files, starts their tools, calls the model. */
export interface AgentRunner {
  /**
   * Never throws for what the agent does: that is an outcome. `signal` aborted: everything that it started is stopped,
   * the outcome is `cancelled`, and text that was emitted is kept. Nothing is emitted after the outcome.
   */
  run(
    request: RunRequest,
    options: { readonly signal: AbortSignal; readonly onEvent: (event: RunEvent) => void },
  ): Promise<RunOutcome>;
}
