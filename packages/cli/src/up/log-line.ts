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
  const reason = entry.reason === undefined ? "" : `: ${entry.reason}`;
  return `${program} ${level}: ${escaped(entry.message + reason)}`;
}

function entryOf(line: string): { level: number; message: string; reason?: string } | undefined {
  const entry = parsed(line);
  if (entry === undefined || !("level" in entry) || typeof entry.level !== "number") return undefined;
  const message = "msg" in entry && typeof entry.msg === "string" ? entry.msg : "";
  const reason = "err" in entry ? messageIn(entry.err) : undefined;
  return { level: entry.level, message, ...(reason !== undefined && { reason }) };
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

function messageIn(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("message" in error)) return undefined;
  return String(error.message);
}
