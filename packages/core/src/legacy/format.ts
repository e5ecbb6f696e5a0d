import { isStagefoldError } from "../errors.ts";
import type { Item } from "../patch/patch.ts";
import { isCurrentVersion, normalise } from "./normalise.ts";

/** The formats that an item's snapshot may be stored in. */
export type SnapshotFormat =
  | "current"
  | "map"
  | "json_text"
  | "json_text_in_json_text"
  | "empty"
  | "missing"
  | "unreadable";

/** Which format an item is stored in. Anything but `current` and `unreadable` becomes `current` with its first write. */
export function formatOf(item: Item): SnapshotFormat {
  try {
    const { stages } = normalise(item).stages_snapshot;
    if (isCurrentVersion(item)) return "current";
    const { stages_snapshot: stored } = item;
    if (stored === undefined || stored === null) return "missing";
    if (stages.length === 0) return "empty";
    if (typeof stored !== "string") return "map";
    return typeof JSON.parse(stored) === "string" ? "json_text_in_json_text" : "json_text";
  } catch (error) {
    if (isStagefoldError(error, "SNAPSHOT_UNREADABLE")) return "unreadable";
    throw error;
  }
}

/**
 * Whether a program that does not know the current version has written over it: these fields come with that version alone,
 * and every write of Stagefold leaves it.
 */
export function isOverwritten(item: Item): boolean {
  const ours = typeof item.lease_token === "number" && typeof item.revision === "number";
  return ours && formatOf(item) !== "current";
}
