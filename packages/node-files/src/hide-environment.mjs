import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { errorCode } from "./error-code.mjs";

/** The fields of `/proc/self/stat` behind the name that say where the first environment lies in memory. */
const ENV_START = 47;
const ENV_END = 48;

/**
 * Takes the environment out of the place from which other processes of the same user read it, `/proc/<pid>/environ`;
 * `env`, which is `process.env`, keeps all of it. False where the system has no such place or does not let it be
 * written.
 * @param {NodeJS.ProcessEnv} env
 * @returns {boolean}
 */
export function hideEnvironment(env) {
  try {
    // Set again, every value has a place of its own.
    for (const [name, value] of Object.entries(env)) env[name] = value;
    const stat = readFileSync("/proc/self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const start = Number(fields[ENV_START]);
    const end = Number(fields[ENV_END]);
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start > 0 && end > start)) return false;
    const memory = openSync("/proc/self/mem", "r+");
    try {
      const zeros = Buffer.alloc(end - start);
      for (let done = 0; done < zeros.length; )
        done += writeSync(memory, zeros, done, zeros.length - done, start + done);
    } finally {
      closeSync(memory);
    }
    return true;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}
