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

/** What the work comes to, or the signal's reason: the work itself is then left alone. */
export async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return await Promise.race([work, aborted]);
}

export function usageError(message: string): CliError {
  return new CliError(message, EXIT.usage);
}
