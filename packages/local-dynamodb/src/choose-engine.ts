import { installedDynoxide, verifyDynoxide } from "./dynoxide-binary.ts";
import { LocalDynamoDBError } from "./errors.ts";
import type { Log } from "./events.ts";
import { enginesWithData, type Layout } from "./layout.ts";
import type { EngineKind, StartOptions } from "./options.ts";

export type ChosenEngine = { kind: "dynalite" } | { kind: "dynoxide"; binary: string };

/**
 * Which engine opens this folder: never one that would find it empty while another has data there.
 * @throws LocalDynamoDBError `ENGINE_DATA_CONFLICT`, `ENGINE_NOT_FOUND`, `ENGINE_UNUSABLE`
 */
export async function chooseEngine(layout: Layout, options: StartOptions, log: Log): Promise<ChosenEngine> {
  const wanted = options.engine ?? "auto";
  const found = await enginesWithData(layout);
  const kind = wanted === "auto" ? soleEngine(layout, found) : wanted;
  if (kind !== undefined && found.length > 0 && !found.includes(kind)) {
    throw new LocalDynamoDBError({
      code: "ENGINE_DATA_CONFLICT",
      data_dir: layout.dataDir,
      expected: kind,
      found,
    });
  }
  if (kind === "dynalite") return { kind };
  const path = options.dynoxidePath ?? installedDynoxide();
  if (path !== undefined) return dynoxideOrFallback(path, kind, options, log);
  if (kind === "dynoxide") throw new LocalDynamoDBError({ code: "ENGINE_NOT_FOUND", engine: kind });
  return fallback(`dynoxide is not installed on ${process.platform}-${process.arch}`, log);
}

/** A path that was given, or data that needs dynoxide, make a binary that does not run an error. */
async function dynoxideOrFallback(
  path: string,
  kind: EngineKind | undefined,
  options: StartOptions,
  log: Log,
): Promise<ChosenEngine> {
  try {
    return { kind: "dynoxide", binary: await verifyDynoxide(path) };
  } catch (error) {
    const optional = kind === undefined && options.dynoxidePath === undefined;
    if (!optional || !(error instanceof LocalDynamoDBError)) throw error;
    return fallback(error.message, log);
  }
}

function fallback(reason: string, log: Log): ChosenEngine {
  log({ event: "engine_fallback", engine: "dynalite", reason });
  return { kind: "dynalite" };
}

function soleEngine(layout: Layout, found: EngineKind[]): EngineKind | undefined {
  if (found.length < 2) return found[0];
  throw new LocalDynamoDBError({
    code: "ENGINE_DATA_CONFLICT",
    data_dir: layout.dataDir,
    expected: "auto",
    found,
  });
}
