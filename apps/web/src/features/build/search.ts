import { isOneOf } from "../../lib/one-of.ts";

export const STAGE_TABS = ["question", "log", "artifacts", "output", "calls", "metrics", "attempts"] as const;
export type StageTab = (typeof STAGE_TABS)[number];
const isTab = isOneOf(STAGE_TABS);
const isView = isOneOf(["stages", "artifacts", "history"]);

/** What of a build is shown, as the address says it. */
export interface BuildSearch {
  readonly view?: "stages" | "artifacts" | "history" | undefined;
  /** The chosen stage; the page follows the build while there is none. */
  readonly stage?: string | undefined;
  readonly tab?: StageTab | undefined;
  readonly attempt?: number | undefined;
  /** Lines of the log, after the `#`: `L120`, `L120-L140`, or `error`, the last that tells of one. */
  readonly line?: string | undefined;
  /** The artifact that is looked at: its path, and the stage that made it. */
  readonly file?: string | undefined;
  readonly from?: string | undefined;
}

const HASH = /^(error|L[1-9]\d*(-L[1-9]\d*)?)$/;

/** What means nothing reads as if it were not there. `hash` is the part after `#`, such as `L120-L140`. */
export function readBuildSearch(search: Readonly<Record<string, unknown>>, hash = ""): BuildSearch {
  const { view, stage, tab, attempt, file, from } = search;
  return {
    ...(isView(view) && { view }),
    ...(typeof stage === "string" && { stage }),
    ...(isTab(tab) && { tab }),
    ...(Number.isInteger(attempt) && Number(attempt) >= 1 && { attempt: Number(attempt) }),
    ...(HASH.test(hash) && { line: hash }),
    ...(typeof file === "string" && { file }),
    ...(typeof from === "string" && { from }),
  };
}
