/** Runs `work` for each id, so many at once. */
export async function inParallel(
  ids: readonly string[],
  atOnce: number,
  work: (id: string) => Promise<void>,
): Promise<void> {
  const waiting = ids.values();
  const lane = async () => {
    for (const id of waiting) await work(id);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
