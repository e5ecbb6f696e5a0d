import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { endingFields, endingText, type ProcessExit } from "@stagefold/node-files";
import { isStageError, StageError } from "@stagefold/pipeline";
import type { StageFailure } from "../protocol.ts";

/** The worker keeps less; a message is not to fill its channel. */
const MAX_CHARACTERS = 64 * 1024;

/** Nothing of the stage has run: its worker lacks what starting it needs. */
export class NotRunError extends Error {}

/** A command that did not end with 0. */
export class CommandError extends StageError {
  readonly exit: ProcessExit;

  constructor(exit: ProcessExit) {
    super(`The command ${endingText(exit)}.`);
    this.exit = exit;
  }
}

/**
 * What the worker learns of an error that a stage threw, which may be anything at all. Readers of the build see it: paths
 * in the stage's workspace are written from there.
 */
export function failureOf(error: unknown, workDir: string): StageFailure {
  try {
    const message = fromFolder(messageOf(error), workDir);
    if (!isStageError(error)) return { message, code: "STAGE_FAILED" };
    const { code, final, retry_in_seconds } = error;
    return {
      ...(error instanceof CommandError && endingFields(error.exit)),
      message,
      code: typeof code === "string" ? code : "STAGE_FAILED",
      final: final === true,
      ...(isDelay(retry_in_seconds) && { retry_in_seconds }),
    };
  } catch {
    return { message: "The stage threw an error that cannot be read.", code: "STAGE_FAILED" };
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error))
    return `The stage threw ${inspect(error, { depth: 1 })} instead of an error.`;
  return String(error.message || error.name).slice(0, MAX_CHARACTERS);
}

function isDelay(seconds: unknown): seconds is number {
  return typeof seconds === "number" && seconds >= 0 && Number.isFinite(seconds);
}

function fromFolder(text: string, folder: string): string {
  return text.replaceAll(`${folder}/`, "").replaceAll(folder, ".");
}

/** This installation: the workspace, whose workspaces `apps` and `packages` are what runs stages. */
const INSTALLATION = fileURLToPath(new URL("../../../../../", import.meta.url));
const OWN_FRAME = new RegExp(
  `^\\s+at .*(node:|node_modules/|${escaped(`${INSTALLATION}apps/`)}|${escaped(`${INSTALLATION}packages/`)})`,
);

/**
 * What a stage's log says of an error that ended it: a StageError is a sentence that was meant to be read; any other
 * error comes with its causes and the stage's own lines of its stack, not with those of what runs it. Paths below
 * the folder of `module`, and those in the workspace, are written from there.
 */
export function details(
  error: unknown,
  { module, workDir }: { readonly module?: string | undefined; readonly workDir?: string } = {},
): string {
  const folder = module === undefined ? undefined : dirname(module);
  const all = isStageError(error)
    ? error.message + (error.cause === undefined ? "" : `\nCaused by: ${text(error.cause, folder)}`)
    : text(error, folder);
  return workDir === undefined ? all : fromFolder(all, workDir);
}

function text(error: unknown, folder: string | undefined): string {
  const lines = shown(error)
    .split("\n")
    .filter((line) => !OWN_FRAME.test(line))
    .join("\n");
  const below = folder === undefined ? lines : lines.replaceAll(`${folder}/`, "");
  return below.replaceAll(INSTALLATION, "");
}

/** Also of an error whose own code fails when it is looked at. */
function shown(error: unknown): string {
  try {
    return inspect(error, { depth: 4 });
  } catch {
    return "an error that cannot be read";
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
