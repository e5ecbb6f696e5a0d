import pMap from "p-map";

/**
 * Does the work for each, several at the same time; begins none after an error or an abort. What was begun has ended
 * before the first error is thrown: the caller closes what the work still uses.
 */
export async function mapSeveral<T>(
  all: readonly T[],
  concurrency: number,
  signal: AbortSignal | undefined,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  await pMap(
    all,
    async (one) => {
      if (errors.length > 0 || signal?.aborted) return;
      await work(one).catch((error: unknown) => errors.push(error));
    },
    { concurrency },
  );
  if (errors.length > 0) throw errors[0];
}
