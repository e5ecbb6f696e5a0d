import type { Stage } from "../../../lib/api.ts";

/** What a stage is called in the reader's language. */
export type StageName = (stage: Pick<Stage, "stage" | "stage_name">) => string;
