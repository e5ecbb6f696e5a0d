import { escaped } from "../view/escape.ts";

const LEVELS = [
  [60, "fatal"],
  [50, "error"],
  [40, "warning"],
  [30, "info"],
  [20, "debug"],
  [0, "trace"],
] as const;

/** A line that a program logged, for people: a JSON line becomes its message and the error's; another stays as it is. */
export function logLine(program: string, line: string): string {
  const entry = entryOf(line);
  if (!entry) return `${program}: ${escaped(line)}`;
  const level = LEVELS.find(([from]) => entry.level >= from)?.[1] ?? "trace";
  const about = entry.about.length === 0 ? "" : ` (${entry.about.join(", ")})`;
  const reason = entry.reason === undefined ? "" : `: ${entry.reason}`;
  return `${program} ${level}: ${escaped(entry.message + about + reason)}`;
}

interface Entry {
  readonly level: number;
  readonly message: string;
  /** Which build, which stage. */
  readonly about: readonly string[];
  readonly reason?: string;
}

function entryOf(line: string): Entry | undefined {
  const entry = parsed(line);
  if (entry === undefined || !("level" in entry) || typeof entry.level !== "number") return undefined;
  const message = "msg" in entry && typeof entry.msg === "string" ? entry.msg : "";
  const reason = messageIn(Reflect.get(entry, "err")) ?? messageIn(Reflect.get(entry, "failure"));
  const about = ["project", "stage"].map((name) => Reflect.get(entry, name)).filter(isText);
  return { level: entry.level, message, about, ...(reason !== undefined && { reason }) };
}

/** Undefined when the line is not a JSON object: programs also say plain sentences. */
function parsed(line: string): object | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function messageIn(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("message" in error)) return undefined;
  return withoutRepeat(String(error.message));
}

/** A logged message ends with those of its causes, which it may have quoted already. */
function withoutRepeat(message: string): string {
  for (let at = message.indexOf(": "); at >= 0; at = message.indexOf(": ", at + 1))
    if (message.slice(0, at).includes(message.slice(at + 2))) return message.slice(0, at);
  return message;
}
