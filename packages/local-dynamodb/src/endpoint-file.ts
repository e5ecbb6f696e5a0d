import { rm } from "node:fs/promises";
import { readJsonFile, writeJsonFile } from "./json-file.ts";
import { type Layout, withFile } from "./layout.ts";
import type { EngineKind } from "./options.ts";

/** `engine.json` in the data folder: how other commands on this machine find the running engine. */
export interface EndpointFile {
  endpoint: string;
  engine: EngineKind;
  pid: number;
  owner_pid: number;
  /** When the engine process started, `YYYY-MM-DDTHH:mm:ss.SSSZ`. */
  started_at: string;
}

export async function writeEndpointFile(
  layout: Layout,
  endpoint: string,
  engine: EngineKind,
  pid: number,
): Promise<void> {
  const file: EndpointFile = {
    endpoint,
    engine,
    pid,
    owner_pid: process.pid,
    started_at: new Date().toISOString(),
  };
  await withFile(layout, layout.endpointFile, (path) => writeJsonFile(path, file));
}

export async function readEndpointFile(layout: Layout): Promise<EndpointFile | undefined> {
  const value = await withFile(layout, layout.endpointFile, readJsonFile);
  return isEndpointFile(value) ? value : undefined;
}

export async function removeEndpointFile(layout: Layout): Promise<void> {
  await withFile(layout, layout.endpointFile, (path) => rm(path, { force: true }));
}

function isEndpointFile(value: unknown): value is EndpointFile {
  if (typeof value !== "object" || value === null) return false;
  return (
    "endpoint" in value &&
    typeof value.endpoint === "string" &&
    "engine" in value &&
    (value.engine === "dynoxide" || value.engine === "dynalite") &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "owner_pid" in value &&
    typeof value.owner_pid === "number" &&
    "started_at" in value &&
    typeof value.started_at === "string"
  );
}
