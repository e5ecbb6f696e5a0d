import { SOAK } from "./soak.ts";
/**
 * How long anything may take that must happen in the end, in milliseconds: machines are slow and busy, in the long form
 * most of all. Only what never happens lasts so long.
 */
export const PATIENCE_MS = SOAK ? 300_000 : 100_000;

/** Asks until there is an answer. `state` tells what was found instead. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  state: () => string = () => "",
): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; ; await new Promise((next) => setTimeout(next, 50))) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end)
      throw new Error(`expected ${what} within ${PATIENCE_MS / 1000} s. ${state()}`.trimEnd());
  }
}
