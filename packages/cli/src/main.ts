#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";
import { ownEnvironment } from "./env.ts";
import { EXIT } from "./exit.ts";

const interrupted = new AbortController();

// A reader that has seen enough, such as `head`, is no error; nothing more can be said to it.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(process.exitCode ?? EXIT.done);
  });

const releaseInterrupt = () => void process.off("SIGINT", interrupt);

/** The second Ctrl-C finds no listener: it ends the process at once. */
function interrupt(): void {
  releaseInterrupt();
  process.exitCode = EXIT.interrupted;
  interrupted.abort();
}
process.on("SIGINT", interrupt);

const { stdin, stdout, stderr } = process;
process.exitCode = await runCommandLine(process.argv.slice(2), {
  ...{ stdin, stdout, stderr },
  env: ownEnvironment(),
  signal: interrupted.signal,
  interrupt,
  releaseInterrupt,
});
