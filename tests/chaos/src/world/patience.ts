import { setTimeout as sleep } from "node:timers/promises";
import { isStagefoldError } from "@stagefold/core";
import { PATIENCE_MS } from "../../../../tooling/vitest/until.ts";

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
