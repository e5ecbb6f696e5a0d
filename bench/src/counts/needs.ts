import { itemBytes, type Project } from "@stagefold/core";
import { PAIRS_PIPELINE, PIPELINE, ROW_PIPELINE } from "../workload/contents.ts";
import { buildCounted, sum } from "./workload.ts";

/** What one build asked of the engine. */
export interface NeedsCount {
  /** Those that changed what a reader sees. */
  readonly writes: number;
  readonly write_units: number;
  readonly item_bytes: number;
  /** What the `needs` of its stages weigh in it. */
  readonly needs_bytes: number;
}

/** The same six stages: without `needs`, with an order that is said, and with two at a time. */
export interface NeedsCounts {
  readonly without: NeedsCount;
  readonly row: NeedsCount;
  readonly pairs: NeedsCount;
}

/** Counts one build of each. */
export async function countNeeds(): Promise<NeedsCounts> {
  const { requests, projects } = await buildCounted(1, [PIPELINE, ROW_PIPELINE, PAIRS_PIPELINE]);
  const of = (name: string): NeedsCount => {
    const project = projects.find(({ pipeline }) => pipeline === name);
    if (!project) throw new Error(`expected a build of ${name}`);
    const visible = requests.filter((one) => one.project_id === project.project_id && one.visible);
    return {
      writes: visible.length,
      write_units: sum(visible),
      item_bytes: itemBytes(project),
      needs_bytes: itemBytes(project) - itemBytes(withoutNeeds(project)),
    };
  };
  return { without: of(PIPELINE), row: of(ROW_PIPELINE), pairs: of(PAIRS_PIPELINE) };
}

function withoutNeeds(project: Project): Project {
  const { stages, ...counts } = project.stages_snapshot;
  const plain = stages.map(({ needs: _, ...stage }) => stage);
  return { ...project, stages_snapshot: { ...counts, stages: plain } };
}

/** Bytes by which two items of the same build may differ: durations have other digits. */
const DIGITS = 32;

/**
 * What `needs` cost beyond the bytes of their own names, in words; none is as it should be. A write takes a unit more at most,
 * where those bytes take the item over a kilobyte.
 */
export function costOfNeeds({ without, ...others }: NeedsCounts): string[] {
  return Object.entries(others).flatMap(([name, count]) => {
    const bytes = count.item_bytes - count.needs_bytes - without.item_bytes;
    const units = count.write_units - without.write_units;
    return [
      ...(count.writes === without.writes ? [] : [`${name}: ${count.writes} writes, not ${without.writes}`]),
      ...(bytes <= DIGITS ? [] : [`${name}: the item has ${bytes} bytes more than its needs`]),
      ...(units <= count.writes ? [] : [`${name}: ${units} write units more`]),
    ];
  });
}
