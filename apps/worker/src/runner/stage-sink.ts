import type { PartEvent, StageArtifact, StageReference } from "./protocol.ts";

/** Sums that a stage reports. */
export interface StageMetricValues {
  readonly input_tokens?: number | undefined;
  readonly output_tokens?: number | undefined;
  readonly tool_calls?: number | undefined;
}

/** Where what a running stage says goes. */
export interface StageSink {
  lines(lines: readonly string[]): void;
  /** Whether more lines are welcome; if not, `room` resolves when they are. */
  hasRoom(): boolean;
  room(): Promise<void>;
  progress(percent: number, part: string | undefined): void;
  metrics(values: StageMetricValues): void;
  part(event: PartEvent): void;
  /** Stores a file of the workspace. Its failure is told to the stage. */
  artifact(artifact: StageArtifact): Promise<void>;
  /** Records a file that is kept elsewhere. */
  reference(artifact: StageReference): void;
}
