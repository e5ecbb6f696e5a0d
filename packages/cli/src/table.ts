import type { OpenTable, OpenTableOptions } from "@stagefold/runtime";
import type { Cli } from "./cli.ts";
import { CliError, EXIT } from "./exit.ts";
import { escaped } from "./view/escape.ts";

/** Works on the table itself, and lets go of it at the end; an engine that was started for it ends too. */
export async function withTable<T>(
  cli: Cli,
  options: OpenTableOptions,
  work: (table: OpenTable) => Promise<T>,
): Promise<T> {
  // Loaded when it is needed: most commands talk to the API alone.
  const { openTable } = await import("@stagefold/runtime");
  let lost: Error | undefined;
  await using table = await openTable(cli.env, {
    ...options,
    onEngineLost: (error) => {
      lost = error;
    },
  });
  try {
    return await work(table);
  } catch (error) {
    if (lost === undefined) throw error;
    throw new CliError(`the embedded engine is gone: ${escaped(lost.message)}`, EXIT.failed, {
      cause: error,
    });
  }
}
