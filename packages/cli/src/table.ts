import type { OpenTable, OpenTableOptions } from "@stagefold/runtime";
import type { Cli } from "./cli.ts";

/** Works on the builds themselves, and lets go of them at the end. */
export async function withTable<T>(
  cli: Cli,
  options: OpenTableOptions,
  work: (table: OpenTable) => Promise<T>,
): Promise<T> {
  // Loaded when it is needed: most commands talk to the API alone.
  const { openTable } = await import("@stagefold/runtime");
  await using table = await openTable(cli.env, options);
  return await work(table);
}
