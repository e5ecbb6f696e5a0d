import { z } from "../../lib/zod.ts";

export const STAGE_TABS = ["log", "artifacts", "output", "metrics", "attempts"] as const;
export type StageTab = (typeof STAGE_TABS)[number];

const text = z.string().optional().catch(undefined);

/** What of a build is shown, as the address says it. What means nothing reads as if it were not there. */
export const buildSearchSchema = z.object({
  view: z.enum(["stages", "artifacts"]).optional().catch(undefined),
  /** The chosen stage; the page follows the build while there is none. */
  stage: text,
  tab: z.enum(STAGE_TABS).optional().catch(undefined),
  attempt: z.number().int().min(1).optional().catch(undefined),
  /** The artifact that is looked at: its path, and the stage that made it. */
  file: text,
  from: text,
});

export type BuildSearch = z.output<typeof buildSearchSchema>;
