/** What the program's end says to a shell. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Ends the program with this sentence and code. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

export function usageError(message: string): CliError {
  return new CliError(message, EXIT.usage);
}
