import type { Surroundings } from "./cli.ts";
import { endingOf } from "./errors.ts";
import { EXIT } from "./exit.ts";
import { asksForJson } from "./options.ts";
import { createProgram } from "./program.ts";
import { createRunner } from "./runner.ts";

/**
 * Runs one command. Returns the exit code of its program: everything about the process itself (signals, a reader that
 * goes away) is the program's. Throws what is a defect.
 */
export async function runCommandLine(args: readonly string[], around: Surroundings): Promise<number> {
  const { stdout, stderr, signal } = around;
  // Known before anything is parsed: wrong usage is reported as JSON too.
  const json = asksForJson(args);
  let code: number = EXIT.done;
  const run = createRunner(around, (exitCode) => {
    code = exitCode;
  });
  const program = createProgram(run, {
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void (json || stderr.write(text)),
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return signal.aborted ? EXIT.interrupted : code;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    const ending = endingOf(error);
    // A defect keeps its stack.
    if (!ending) throw error;
    if (json && ending.error !== undefined) stderr.write(`${JSON.stringify({ error: ending.error })}\n`);
    else if (ending.message !== undefined) stderr.write(`stagefold: ${ending.message}\n`);
    return ending.exitCode;
  }
}
