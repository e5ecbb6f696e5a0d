/** Does the work for each, several at the same time; begins no further one after an error or an abort. */
export async function inTurns<T>(
  all: readonly T[],
  atOnce: number,
  signal: AbortSignal | undefined,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const rest = all.values();
  let failed = false;
  const worker = async () => {
    for (const one of rest) {
      if (failed || signal?.aborted) return;
      try {
        await work(one);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  // What was begun has ended before the first error is told.
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
