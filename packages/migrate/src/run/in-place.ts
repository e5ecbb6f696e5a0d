import { join } from "node:path";
import type { Item, Repository } from "@stagefold/core";
import { DeferredRows } from "./deferred-rows.ts";
import { importProject, whyUnreadable } from "./import-project.ts";
import { SummaryCounter } from "./import-summary.ts";
import { mapSeveral } from "./map-several.ts";
import { ReportFile } from "./report-file.ts";
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
  /** Brought to today's form, or given deferred rows. */
  readonly changed: number;
  readonly unchanged: number;
  /** Left as they are: they cannot be read, or not be written in today's form; the report says why. */
  readonly unreadable: number;
  readonly deferred: { readonly merged: number };
  readonly report: string | null;
}

const AT_ONCE = 16;

/**
 * Upgrades every item of the table to the current schema version, on the condition that no other process changes it meanwhile, with the rows
 * deferred until now. An item that cannot be read stays as it is. Safe to stop and run again.
 * Errors: ReportError; ImportRunningError; STORE_UNAVAILABLE and the like from the stores.
 */
export async function importInPlace(options: InPlaceOptions): Promise<InPlaceSummary> {
  const { repository, folder, signal, dryRun = false } = options;
  await using _lock = dryRun ? undefined : await lockFolder(folder);
  const report = await ReportFile.open(options.report);
  const summary = new SummaryCounter(report);
  const deferredRows = new DeferredRows(join(folder, "waiting"));
  const rules = { orphans: "wait", unknownStage: "wait" } as const;
  const importing = { repository, rules, dryRun, upgrade: true, deferredRows, summary };
  let items = 0;
  try {
    for await (const page of options.pages) {
      if (signal?.aborted) break;
      await mapSeveral(page, AT_ONCE, signal, async (item) => {
        items += 1;
        const id = String(item.project_id);
        const line = items;
        const detail = whyUnreadable(item) ?? (await importProject(importing, id, [], item));
        if (detail !== undefined)
          await summary.notMerged({
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
  const { projects, not_merged, deferred, report: path } = summary.counts;
  const { changed, unchanged } = projects;
  const interrupted = signal?.aborted === true;
  return {
    dry_run: dryRun,
    interrupted,
    items,
    changed,
    unchanged,
    unreadable: not_merged.unreadable,
    deferred,
    report: path,
  };
}
