import { createReadStream } from "node:fs";
import { addAbortSignal } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { givenTimeSchema, requireExactNumbers } from "@stagefold/core";
import { InvalidArgumentError } from "commander";
import type { Surroundings } from "./cli.ts";
import { usageError } from "./exit.ts";

/** Reads an option that is a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

/** Reads an option that names a folder: an empty one, such as that of an unset variable, would mean this one. */
export function folder(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("expected a folder");
}

/** Reads an option that may be given several times. */
export function collect(text: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), text];
}

/** What is JSON as that, anything else as the text that it is. Errors: a usage error with a number that would change. */
export function jsonOrText(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  refuseInexact(text, text);
  return value;
}

/** The JSON object that is at this place. Errors: a usage error for anything else, and for a number that would change. */
export function jsonObjectAt(where: string, json: string): object {
  refuseInexact(where, json);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw usageError(`${where} is not JSON: ${reasonOf(error)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw usageError(`${where}: expected a JSON object, found ${json.trim().slice(0, 80)}`);
}

/** The API would see only what JSON.parse made of such a number, and could not refuse it. */
function refuseInexact(where: string, json: string): void {
  try {
    requireExactNumbers(json);
  } catch (error) {
    throw usageError(`${where}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Reads an option `key=value` that may be given several times; the value is JSON or a text. */
export function field(text: string, earlier: [string, unknown][] | undefined): [string, unknown][] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected key=value");
  return [...(earlier ?? []), [text.slice(0, at), jsonOrText(text.slice(at + 1))]];
}

/** Where texts are read from. */
type Source = Pick<Surroundings, "stdin" | "signal">;

/** The input of a build: a file of JSON (`-` is stdin), then single fields over it. Undefined without either. */
export async function readInput(
  source: Source,
  file: string | undefined,
  fields: readonly [string, unknown][] | undefined,
): Promise<Record<string, unknown> | undefined> {
  if (file === undefined && fields === undefined) return undefined;
  const given = file === undefined ? {} : jsonObjectAt(file, await readText(source, file));
  return { ...given, ...Object.fromEntries(fields ?? []) };
}

/** The text of a file; `-` is stdin. Errors: a usage error where it cannot be read. */
export async function readText({ stdin, signal }: Source, file: string): Promise<string> {
  try {
    return await textOf(addAbortSignal(signal, file === "-" ? stdin : createReadStream(file)));
  } catch (error) {
    throw usageError(`cannot read ${file}: ${reasonOf(error)}`);
  }
}

/** Reads an option that is a time: `2026-05-01T10:00:00Z`, or how long from now: `90m`, `12h`, `2d`. */
export function timeFromNow(text: string): string {
  return timeOf(text, 1);
}

/** The same, and `90m` is how long ago. */
export function timeAgo(text: string): string {
  return timeOf(text, -1);
}

const ISO = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

function timeOf(text: string, sign: 1 | -1): string {
  const time = timeIn(text, sign);
  if (time !== undefined && givenTimeSchema.safeParse(time).success) return time;
  const where = sign > 0 ? "from now" : "ago";
  throw new InvalidArgumentError(
    `expected a time such as 2026-05-01T10:00:00Z, of a day that is in the calendar, or 90m, 12h, 2d ${where}`,
  );
}

/** Undefined for any other text: a number whose unit was forgotten is no year. */
function timeIn(text: string, sign: 1 | -1): string | undefined {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const ms = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""];
  const [, day] = ISO.exec(text) ?? [];
  if (ms === undefined && !givenTimeSchema.safeParse(`${day}T00:00:00.000Z`).success) return undefined;
  const at = ms === undefined ? Date.parse(text) : Date.now() + sign * Number(amount) * ms;
  return Math.abs(at) < 8.64e15 ? new Date(at).toISOString() : undefined;
}

/** Reads an option `name=number` that may be given several times. */
export function limit(text: string, earlier: Record<string, number> | undefined): Record<string, number> {
  const [, name, amount] = /^(cost_usd|tokens|seconds|attempts)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined)
    throw new InvalidArgumentError("expected cost_usd=, tokens=, seconds= or attempts= and a number");
  refuseInexact(text, amount ?? "");
  return { ...earlier, [name]: Number(amount) };
}

const ID = /^proj_[0-9a-f]{12}$/;

/** Reads the argument that names a build. */
export function projectId(text: string): string {
  if (ID.test(text)) return text;
  throw new InvalidArgumentError("expected the id of a build: proj_ and 12 hex digits");
}

const AGENT = /^agent_[0-9a-f]{12}$/;

/** Reads the argument that names an agent. */
export function agentId(text: string): string {
  if (AGENT.test(text)) return text;
  throw new InvalidArgumentError("expected the id of an agent: agent_ and 12 hex digits");
}

/** Reads the argument that names an agent in the records: its id, or an id that it has elsewhere. */
export function agentRef(text: string): string {
  if (text.trim() !== "" && text.length <= 256) return text;
  throw new InvalidArgumentError("expected the id of an agent");
}

export function projectIds(text: string, earlier: string[] | undefined): string[] {
  return collect(projectId(text), earlier);
}

/** Whether --json is among the arguments: it may stand anywhere before `--`. */
export function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}
