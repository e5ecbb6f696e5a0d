import { readFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
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

/** What is JSON as that, anything else as the text that it is. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Reads an option `key=value` that may be given several times; the value is JSON or a text. */
export function field(text: string, earlier: [string, unknown][] | undefined): [string, unknown][] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected key=value");
  return [...(earlier ?? []), [text.slice(0, at), jsonOrText(text.slice(at + 1))]];
}

/** The input of a build: a file of JSON (`-` is stdin), then single fields over it. Undefined without either. */
export async function readInput(
  file: string | undefined,
  fields: readonly [string, unknown][] | undefined,
): Promise<Record<string, unknown> | undefined> {
  if (file === undefined && fields === undefined) return undefined;
  const given = file === undefined ? {} : parsedInput(file, await readText(file));
  return { ...given, ...Object.fromEntries(fields ?? []) };
}

/** The text of a file; `-` is stdin. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file === "-" ? "/dev/stdin" : file, "utf8");
  } catch (error) {
    throw usageError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parsedInput(file: string, json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw usageError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw usageError(`${file}: expected a JSON object`);
}

/** Reads an option that is a time: `2026-05-01T10:00:00Z`, or how long from now: `90m`, `12h`, `2d`. */
export function timeFromNow(text: string): string {
  return timeOf(text, 1);
}

/** The same, and `90m` is how long ago. */
export function timeAgo(text: string): string {
  return timeOf(text, -1);
}

function timeOf(text: string, sign: 1 | -1): string {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const ms = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""];
  const at = ms === undefined ? Date.parse(text) : Date.now() + sign * Number(amount) * ms;
  if (!Number.isNaN(at) && Math.abs(at) < 8.64e15) return new Date(at).toISOString();
  const where = sign > 0 ? "from now" : "ago";
  throw new InvalidArgumentError(`expected a time such as 2026-05-01T10:00:00Z, or 90m, 12h, 2d ${where}`);
}

/** Reads an option `name=number` that may be given several times. */
export function limit(text: string, earlier: Record<string, number> | undefined): Record<string, number> {
  const [, name, amount] = /^(cost_usd|tokens|seconds|attempts)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined)
    throw new InvalidArgumentError("expected cost_usd=, tokens=, seconds= or attempts= and a number");
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
