import { ConnectionError, StagefoldClientError } from "@stagefold/client";
import { isStagefoldError } from "@stagefold/core";
import { EnvError } from "@stagefold/runtime/env";
import { CommanderError } from "commander";
import { CliError, EXIT } from "./exit.ts";
import { escaped } from "./view/escape.ts";

export interface Ending {
  readonly exitCode: number;
  /** For stderr; undefined when all has been said. */
  readonly message?: string;
  /** For --json; undefined when it is no error. */
  readonly error?: { readonly code?: string; readonly message: string; readonly data?: object };
}

/** How the program ends with an error that people or the API have caused. Undefined for a defect. */
export function endingOf(error: unknown): Ending | undefined {
  if (error instanceof CommanderError) return usageEnding(error);
  if (error instanceof EnvError) return ending(EXIT.usage, error.message);
  if (error instanceof CliError) return ending(error.exitCode, error.message);
  if (error instanceof ConnectionError) return ending(EXIT.failed, connectionText(error));
  if (isStagefoldError(error)) return ending(EXIT.failed, error.message, error.code, error.data);
  if (error instanceof StagefoldClientError)
    return ending(EXIT.failed, error.message, error.code, error.data);
  return undefined;
}

/** The text of it is on stderr already, with a hint; a reader of JSON gets a sentence. */
function usageEnding(error: CommanderError): Ending {
  if (error.exitCode === 0) return { exitCode: EXIT.done };
  const message =
    error.code === "commander.help"
      ? 'expected a command; "stagefold --help" lists them'
      : error.message.replace(/^error: /, "");
  return { exitCode: EXIT.usage, error: { message } };
}

function ending(exitCode: number, message: string, code?: string, data?: object): Ending {
  const error = { ...(code !== undefined && { code }), message, ...(data && { data }) };
  return { exitCode, message: escaped(message), error };
}

function connectionText(error: ConnectionError): string {
  if (!refused(error)) return error.message;
  return `no Stagefold runs at ${error.url}; start it with "npm start" (or "stagefold up"), or set STAGEFOLD_URL to where it is`;
}

/** Whether no server listens there. */
function refused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && error.code === "ECONNREFUSED") return true;
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner !== undefined && refused(inner);
}
