import { isOneOf } from "../../lib/one-of.ts";
import { preference, usePreference } from "../../lib/preference.ts";

/** How much room a build has in the list. */
export const density = preference("builds.density", isOneOf(["roomy", "dense"]), () => "roomy");

export function useDensity(): boolean {
  return usePreference(density) === "dense";
}
