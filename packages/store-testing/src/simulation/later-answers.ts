import type { Entry } from "./history.ts";
import type { Spec } from "./specification.ts";
import { begun } from "./specified-events.ts";
import { shown } from "./view.ts";

/** Whether the caller was shown the project as it is in this state; a claim shows what its lease owner will find. */
export function isShown({ call, told }: Entry, state: Spec | undefined): boolean {
  if (told?.view === undefined) return true;
  return state !== undefined && shown(call.do === "claim" ? begun(state) : state) === told.view.text;
}

/** Artifacts are known again by what is listed: what others changed meanwhile is recorded once more. */
export function isUndone({ call }: Entry, state: Spec | undefined): boolean {
  if (call.do !== "record") return false;
  const listed = state?.stages.find((stage) => stage.stage === call.stage)?.artifacts ?? [];
  const there = call.paths.every((path) => listed.includes(path));
  return !there || (call.mode === "replace" && listed.length > call.paths.length);
}

/**
 * Whether a caller whose write took effect before can have been told this of it now, by right. `token`: the one that
 * its claim gave it.
 */
export function isOverLater(entry: Entry, state: Spec | undefined, token?: number): boolean {
  const { call, told } = entry;
  switch (told?.answer) {
    case "ok":
      return isShown(entry, state);
    case "PROJECT_NOT_FOUND":
      return state === undefined;
    case "LEASE_LOST":
      return call.do === "report" && (!state?.held || state.token !== call.token);
    case "none":
      // Another has taken over since, be it by a clock that is wrong, or the lease is over.
      return call.do === "claim" && !(state?.held && state.fresh && state.token === token);
    case "STAGE_CONFLICT":
      return (
        call.do === "record" &&
        state?.stages.find((stage) => stage.stage === call.stage)?.status === "running"
      );
    default:
      return false;
  }
}
