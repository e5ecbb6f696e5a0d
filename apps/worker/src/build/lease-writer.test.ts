import {
  createMemoryFileStores,
  DamagedDocumentError,
  MemoryProjectStore,
  Repository,
  StagefoldError,
} from "@stagefold/core";
import { NO_TELEMETRY } from "@stagefold/runtime/telemetry";
import { pino } from "pino";
import { expect, test } from "vitest";
import { readClock } from "../monotonic-clock.ts";
import { LeaseWriter } from "./lease-writer.ts";

test("a document of the build that is damaged is told to the writer, and a store that is away is tried again", async () => {
  const repository = new Repository({ store: new MemoryProjectStore(), ...createMemoryFileStores() });
  const plan = { pipeline: "p", pipeline_version: "1", stages: [{ stage: "one" }] };
  const { project_id, work_queue } = await repository.control.create({ requirement: "r" }, plan);
  const claimed = await repository.work.claim(project_id, "w", work_queue);
  if (!claimed) throw new Error("expected a claim");
  const log = pino({ level: "silent" });
  const options = { log: () => log, onOver: () => undefined, telemetry: NO_TELEMETRY };
  const writer = new LeaseWriter(repository, { ...claimed, sentAt: readClock() }, options);
  const report = repository.work.report.bind(repository.work);
  const away = new StagefoldError("STORE_UNAVAILABLE", "the store is away", { retry_after: 1 });
  const refusals = [away, new DamagedDocumentError(project_id, "artifacts-one-1")];
  repository.work.report = (given) => {
    const refusal = refusals.shift();
    return refusal ? Promise.reject(refusal) : report(given);
  };
  await expect(writer.write([{ event: "started", stage: "one" }])).rejects.toThrow("is missing or damaged");
  expect(refusals).toEqual([]);
  expect(await writer.write([{ event: "started", stage: "one" }])).toMatchObject({ status: "building" });
});
