import { setTimeout as sleep } from "node:timers/promises";
import { isStagefoldError } from "@stagefold/core";

/** How long anything may take that must happen in the end, in milliseconds: machines may be slow and busy. */
export const PATIENCE_MS = 300_000;
/** The time limit of a test: longer, so that what was waited for in vain is said. */
export const TEST_MS = 3 * PATIENCE_MS;

/** Asks until there is an answer. `state` tells what was found instead. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  state: () => string = () => "",
): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; ; await sleep(50)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end)
      throw new Error(`expected ${what} within ${PATIENCE_MS / 1000} s. ${state()}`);
  }
}

/** Does it again and again while the store does not answer. */
export async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; ; await sleep(100)) {
    try {
      return await work();
    } catch (error) {
      if (!isStagefoldError(error, "STORE_UNAVAILABLE") || performance.now() > end) throw error;
    }
  }
}
