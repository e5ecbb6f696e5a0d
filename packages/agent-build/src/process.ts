import { execFile } from "node:child_process";

export interface Finished {
  /** Exit code; undefined when a signal or the time limit ended the process. */
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no exit code. */
  readonly ended_by: string | undefined;
}

export interface RunOptions {
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly timeout_seconds: number;
  /** The whole environment; empty where absent. */
  readonly env?: Readonly<Record<string, string>>;
}

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * Runs this Node with some arguments, no input and an environment of its own, so that the outcome depends on nothing but
 * the files. Rejects only when it was aborted or Node could not be started at all.
 */
export function runNode(args: readonly string[], options: RunOptions): Promise<Finished> {
  options.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [...args],
      {
        cwd: options.cwd,
        env: { ...options.env },
        signal: options.signal,
        timeout: options.timeout_seconds * 1000,
        killSignal: "SIGKILL",
        maxBuffer: MAX_OUTPUT_BYTES,
      },
      (error, stdout, stderr) => {
        if (options.signal.aborted) return reject(options.signal.reason);
        if (error === null) return resolve({ exit: 0, stdout, stderr, ended_by: undefined });
        if (typeof error.code === "number") {
          return resolve({ exit: error.code, stdout, stderr, ended_by: undefined });
        }
        if (child.pid === undefined) return reject(error);
        const ended_by =
          error.code ?? (error.killed ? `the limit of ${options.timeout_seconds} s` : error.signal);
        return resolve({ exit: undefined, stdout, stderr, ended_by: ended_by ?? error.message });
      },
    );
    child.stdin?.end();
  });
}
