import { PrepareError } from "./prepare.mjs";

/**
 * Runs a command of the repository. A failure to prepare ends it with one sentence; anything else that is
 * thrown is a defect and keeps its stack.
 * @param {() => Promise<number | undefined>} work gives the exit code, or undefined when the process goes on
 */
export async function command(work) {
  try {
    const code = await work();
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    console.error(`stagefold: ${error.message}`);
    process.exitCode = error.exitCode;
  }
}
