#!/usr/bin/env node
import { endingOf } from "./errors.ts";
import { EXIT } from "./exit.ts";
import { asksForJson } from "./options.ts";
import { createProgram } from "./program.ts";
import { createRunner } from "./runner.ts";

const interrupt = new AbortController();
// Known before anything is parsed: wrong usage is reported as JSON too.
const json = asksForJson(process.argv.slice(2));

// A reader that has seen enough, such as `head`, is no error; nothing more can be said to it.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(process.exitCode ?? EXIT.done);
  });

process.once("SIGINT", () => {
  process.exitCode = EXIT.interrupted;
  interrupt.abort();
});

const run = createRunner({
  signal: interrupt.signal,
  onExit: (code) => {
    process.exitCode = code;
  },
});

try {
  await createProgram(run, { quiet: json }).parseAsync(process.argv);
} catch (error) {
  end(error);
}

function end(error: unknown): void {
  if (interrupt.signal.aborted) {
    process.exitCode = EXIT.interrupted;
    return;
  }
  const ending = endingOf(error);
  // A defect keeps its stack.
  if (!ending) throw error;
  process.exitCode = ending.exitCode;
  if (json && ending.error !== undefined)
    process.stderr.write(`${JSON.stringify({ error: ending.error })}\n`);
  else if (ending.message !== undefined) process.stderr.write(`stagefold: ${ending.message}\n`);
}
