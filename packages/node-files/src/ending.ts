/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** What is known of an exit code or a signal beyond its name. */
const CODES: Readonly<Record<number, string>> = {
  126: "what it names cannot be run",
  127: "command not found",
};
const SIGNALS: Readonly<Record<string, string>> = {
  SIGABRT: "it gave itself up, often for want of memory",
  SIGBUS: "it touched memory that is not there, often of a file that was cut",
  SIGFPE: "it divided by zero",
  SIGHUP: "its terminal or starter went away",
  SIGILL: "its code is not for this processor",
  SIGINT: "it was interrupted",
  SIGKILL: "often for want of memory",
  SIGPIPE: "the reader of its output went away",
  SIGSEGV: "it touched memory that is not its own",
  SIGTERM: "it was asked to end",
  SIGTRAP: "it gave itself up, often for want of memory",
  SIGXCPU: "it used up its processor time",
  SIGXFSZ: "it wrote a file larger than it may",
};
/** Numbers that are the same on all systems. A shell adds 128 to the one by which its last command was killed. */
const NUMBERS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
};

/** The ending as the rest of a sentence, such as `exited with 127: command not found`. */
export function endingText({ code, signal }: ProcessExit): string {
  if (signal !== null) return `was killed (${signal})${about(SIGNALS[signal], ", ")}`;
  if (code === null) return "ended in a way that the system does not tell";
  const killed = code > 128 ? NUMBERS[code - 128] : undefined;
  if (killed === undefined) return `exited with ${code}${about(CODES[code], ": ")}`;
  return `exited with ${code}: killed (${killed})${about(SIGNALS[killed], ", ")}`;
}

/** The same as fields of a failure. */
export function endingFields({ code, signal }: ProcessExit): { exit_code?: number; signal?: string } {
  const killed = signal ?? (code !== null && code > 128 ? NUMBERS[code - 128] : undefined);
  return { ...(code !== null && { exit_code: code }), ...(killed !== undefined && { signal: killed }) };
}

function about(what: string | undefined, before: string): string {
  return what === undefined ? "" : before + what;
}
