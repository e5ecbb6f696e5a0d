import { InvalidArgumentError } from "commander";

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

export function projectIds(text: string, earlier: string[] | undefined): string[] {
  return collect(projectId(text), earlier);
}

/** Whether --json is among the arguments: it may stand anywhere before `--`. */
export function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}
