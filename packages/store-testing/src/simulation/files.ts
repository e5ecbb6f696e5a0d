import {
  type AttemptRef,
  type createMemoryFileStores,
  type LogPage,
  type LogStore,
  type ReportedLine,
  StagefoldError,
} from "@stagefold/core";
import type { Weather } from "./faults.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";

/** Artifacts and logs of all projects, as every process finds them. */
export type SharedFiles = ReturnType<typeof createMemoryFileStores>;

/** The log store as one process has it: slow, sometimes full, and written when that process gets to it. */
export class ProcessLogs implements LogStore {
  readonly #files: SharedFiles;
  readonly #process: SimProcess;
  readonly #weather: Weather;
  readonly #random: Random;

  constructor(files: SharedFiles, process: SimProcess, weather: Weather, random: Random) {
    this.#files = files;
    this.#process = process;
    this.#weather = weather;
    this.#random = random;
  }

  async append(ref: AttemptRef, seq: number, lines: readonly ReportedLine[]): Promise<void> {
    const refused = this.#weather.logRefused();
    await this.#process.sleep(this.#random.between(1, 40));
    if (refused) {
      this.#weather.hit("log_refused");
      throw new StagefoldError("STORE_UNAVAILABLE", "The disk is full.", { retry_after: 1 });
    }
    await this.#files.logs.append(ref, seq, lines);
  }

  read(ref: AttemptRef, options: Parameters<LogStore["read"]>[1]): Promise<LogPage> {
    return this.#files.logs.read(ref, options);
  }
}
