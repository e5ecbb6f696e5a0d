import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readEndpointFile } from "./endpoint-file.ts";
import { layoutOf } from "./layout.ts";
import type { EngineKind } from "./options.ts";
import { answersListTables } from "./probe.ts";
import { isRunning } from "./process-identity.ts";

export interface FoundLocalDynamoDB {
  endpoint: string;
  engine: EngineKind;
  pid: number;
}

const PROBE_MS = 2_000;
const TRIES = 10;
const BETWEEN_MS = 200;

/**
 * The engine that runs on this data folder, or undefined. It is only found when it answers; while its owner is
 * restarting it, it is waited for (about two seconds).
 * @throws LocalDynamoDBError `DATA_DIR_UNUSABLE` when the folder is there but cannot be read
 */
export async function findLocalDynamoDB(dataDir: string): Promise<FoundLocalDynamoDB | undefined> {
  const layout = layoutOf(resolve(dataDir));
  for (let tried = 0; tried < TRIES; tried += 1) {
    const file = await readEndpointFile(layout);
    if (file === undefined || !(await isRunning(file.owner_pid))) return undefined;
    if ((await isRunning(file.pid)) && (await answersListTables(file.endpoint, PROBE_MS))) {
      return { endpoint: file.endpoint, engine: file.engine, pid: file.pid };
    }
    await sleep(BETWEEN_MS);
  }
  return undefined;
}
