import type { ArtifactInfo, Item } from "@stagefold/core";
import type { AgentsRowKind } from "./agents-row.ts";

/** Why a row was not merged: the closed list of the report. */
export const REASONS = [
  "already there",
  "no such project",
  "no such stage",
  "no such agent",
  "no such session",
  "too late",
  "no path",
  "unreadable",
] as const;
export type Reason = (typeof REASONS)[number];

/** Where a row was read. `line` counts from 1; in a live table it is the row's place in the scan. */
export interface Origin {
  readonly source: string;
  readonly line: number;
}

interface RowBase {
  readonly origin: Origin;
  readonly project_id: string;
  /** What names the row in its table. */
  readonly key: string;
  /** The line it was read from. */
  readonly text: string;
}

export interface ProjectRow extends RowBase {
  readonly kind: "project";
  readonly item: Item;
}

export interface ArtifactRow extends RowBase {
  readonly kind: "artifact";
  /** As the row names it: a key, an old key, or a display name. */
  readonly stage: string;
  readonly path: string | undefined;
  /** Time, document path, metadata, and what else the row says of the file. */
  readonly info: ArtifactInfo;
  readonly agent_id: string | undefined;
}

export interface StageRow extends RowBase {
  readonly kind: "stage";
  readonly stage: string;
  readonly stage_number: number;
  /** The row without its project. */
  readonly item: Item;
}

/** A row of the tables of builds. */
export type Row = ProjectRow | ArtifactRow | StageRow;
export type RowKind = Row["kind"] | AgentsRowKind;
