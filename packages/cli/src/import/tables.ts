import type { Source } from "@stagefold/migrate";
import type { OpenTable } from "@stagefold/runtime";
import type { Cli } from "../cli.ts";
import type { ImportCommandOptions } from "../commands/import.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { escaped } from "../view/escape.ts";

/** The live tables that rows are read from. Errors: CliError for one that is not there. */
export async function openSourceTables(
  cli: Cli,
  target: OpenTable,
  { fromTable = [], endpoint }: ImportCommandOptions,
): Promise<AsyncDisposable & { readonly sources: readonly Source[] }> {
  const { createDynamoClient, describeTable, scanRaw } = await import("@stagefold/core/dynamodb");
  const { tableSource } = await import("@stagefold/migrate");
  if (fromTable.includes(cli.env.table) && target.client && endpoint === target.endpoint)
    throw usageError(`${cli.env.table} is the builds' own table; --in-place upgrades it`);
  const elsewhere =
    endpoint === undefined ? undefined : createDynamoClient(endpoint === "aws" ? {} : { endpoint });
  const client = elsewhere ?? target.client;
  const close = () => {
    elsewhere?.destroy();
    return Promise.resolve();
  };
  try {
    const sources: Source[] = [];
    for (const name of fromTable) {
      if (!client)
        throw usageError(
          "--from-table needs --endpoint: the builds are in SQLite, which has no older tables",
        );
      if (!(await describeTable(client, name)))
        throw new CliError(`there is no table ${escaped(name)} at ${locate(endpoint, target)}`, EXIT.failed);
      sources.push(tableSource(name, (signal) => scanRaw(client, name, signal ? { signal } : {})));
    }
    return { sources, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function locate(endpoint: string | undefined, target: OpenTable): string {
  if (endpoint !== undefined && endpoint !== "aws") return endpoint;
  return endpoint === "aws" ? "Amazon DynamoDB" : (target.endpoint ?? "Amazon DynamoDB");
}
