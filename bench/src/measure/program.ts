import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A program of the benchmark in a process of its own: it answers each message with one. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Sends a message and resolves with the answer. Rejects when the program ends instead. */
  ask(message: unknown): Promise<unknown>;
}

/** The environment of programs: nothing of the caller's settings. */
export function bareEnv(home: string, extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home, ...extra };
}

/** Starts `programs/<name>.js` from what was built; resolves when it says that it is ready. */
export async function startProgram(
  name: string,
  argument: unknown,
  options: { readonly execArgv?: readonly string[] } = {},
): Promise<Program> {
  const script = join(builtFolder(), "programs", `${name}.js`);
  const child = fork(script, [JSON.stringify(argument)], {
    env: bareEnv("/tmp"),
    execArgv: [...(options.execArgv ?? [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = once(child, "exit").then(([code, signal]: unknown[]): never => {
    throw new Error(`The program ${name} ended with ${String(code ?? signal)} instead of answering.`);
  });
  // The caller gets the error; a program that ends as it should is no error.
  ended.catch(() => undefined);
  const answer = async (): Promise<unknown> => {
    const [message]: unknown[] = await Promise.race([once(child, "message"), ended]);
    return message;
  };
  await answer();
  return {
    pid: child.pid ?? 0,
    ask: (message) => {
      const answered = answer();
      child.send({ message });
      return answered;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** Of this very package, also when this module was loaded from its sources. */
export function builtFolder(): string {
  const here = dirname(dirname(fileURLToPath(import.meta.url)));
  return here.endsWith("src") ? join(dirname(here), "dist") : here;
}
