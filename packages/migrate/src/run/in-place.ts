import { join } from "node:path";
import { type Item, isStagefoldError, normalise, type Repository } from "@stagefold/core";
import { WaitingRows } from "../waiting/waiting-rows.ts";
import { inTurns } from "./in-turns.ts";
import { ReportFile } from "./report-file.ts";
import { settleGroup } from "./settle-group.ts";
import { Tally } from "./tally.ts";
import { lockFolder } from "./work-folder.ts";

export interface InPlaceOptions {
  /** The items of the table, page by page. */
  readonly pages: AsyncIterable<readonly Item[]>;
  readonly repository: Repository;
  /** Where rows wait for their project. */
  readonly folder: string;
  readonly dryRun?: boolean;
  /** Where the items that cannot be read are named. */
  readonly report?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (items: number) => void;
}

/** What became of the items of the table: the three counts add up to `items`. */
export interface InPlaceSummary {
  readonly dry_run: boolean;
  readonly interrupted: boolean;
  readonly items: number;
  /** Brought to today's form, or given rows that had waited. */
  readonly changed: number;
  readonly unchanged: number;
  /** Left as they are: they cannot be read, or not be written in today's form; the report says why. */
  readonly unreadable: number;
  readonly waited: { readonly merged: number };
  readonly report: string | null;
}

const AT_ONCE = 16;

/**
 * Brings every item of the table to today's form, on the condition that nobody changes it meanwhile, with the rows
 * that had waited for it. An item that cannot be read stays as it is. Safe to stop and run again.
 * Errors: ReportError; ImportRunningError; STORE_UNAVAILABLE and the like from the stores.
 */
export async function importInPlace(options: InPlaceOptions): Promise<InPlaceSummary> {
  const { repository, folder, signal, dryRun = false } = options;
  await using _lock = dryRun ? undefined : await lockFolder(folder);
  const report = await ReportFile.open(options.report);
  const tally = new Tally(report);
  const waiting = new WaitingRows(join(folder, "waiting"));
  const rules = { orphans: "wait", unknownStage: "wait" } as const;
  const settling = { repository, rules, dryRun, upgrade: true, waiting, tally };
  let items = 0;
  try {
    for await (const page of options.pages) {
      if (signal?.aborted) break;
      await inTurns(page, AT_ONCE, signal, async (item) => {
        items += 1;
        const id = String(item.project_id);
        const line = items;
        const detail = whyUnreadable(item) ?? (await settleGroup(settling, id, [], item));
        if (detail !== undefined)
          await tally.notMerged({
            source: "table",
            line,
            kind: "project",
            key: id,
            project_id: id,
            reason: "unreadable",
            detail,
          });
      });
      options.onProgress?.(items);
    }
  } finally {
    await report.close();
  }
  const { projects, not_merged, waited, report: path } = tally.counts;
  const { changed, unchanged } = projects;
  const interrupted = signal?.aborted === true;
  return {
    dry_run: dryRun,
    interrupted,
    items,
    changed,
    unchanged,
    unreadable: not_merged.unreadable,
    waited,
    report: path,
  };
}

function whyUnreadable(item: Item): string | undefined {
  try {
    normalise(item);
    return undefined;
  } catch (error) {
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return error.message;
    throw error;
  }
}
