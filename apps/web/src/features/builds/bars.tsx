import type { BuildFilter } from "../../lib/api.ts";
import { MatchingBar } from "./matching-bar.tsx";
import { SelectionBar, type SelectionBarProps } from "./selection-bar.tsx";

export interface BarsProps extends SelectionBarProps {
  /** Whether all that match are meant, and not the selected builds alone. */
  allMatch: boolean;
  filter: BuildFilter | undefined;
}

/** What can be done to the selected builds, or to all that match: at any moment the keys are those of one of them. */
export function Bars({ allMatch, filter, ...selected }: BarsProps) {
  return allMatch ? (
    <MatchingBar filter={filter} onClear={selected.onClear} />
  ) : (
    <SelectionBar {...selected} />
  );
}
