import { access, constants, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { codeOf, LocalDynamoDBError, reasonOf } from "./errors.ts";
import { makeFolders } from "./folders.ts";
import type { EngineKind } from "./options.ts";

/** Where everything lies. Each engine has a folder of its own, so that none opens the other's as empty. */
export interface Layout {
  dataDir: string;
  root: string;
  lock: string;
  owner: string;
  engineProcess: string;
  endpointFile: string;
  engineDir: Record<EngineKind, string>;
  /** The file that exists once an engine has data. */
  dataFile: Record<EngineKind, string>;
}

export function layoutOf(dataDir: string): Layout {
  const root = join(dataDir, "dynamodb");
  const engineDir = { dynoxide: join(root, "dynoxide"), dynalite: join(root, "dynalite") };
  return {
    dataDir,
    root,
    lock: join(root, "lock"),
    owner: join(root, "owner.json"),
    engineProcess: join(root, "process.json"),
    endpointFile: join(dataDir, "engine.json"),
    engineDir,
    dataFile: {
      dynoxide: join(engineDir.dynoxide, "data.db"),
      dynalite: join(engineDir.dynalite, "level", "CURRENT"),
    },
  };
}

/** Creates the data folder and checks that it can be read and written.
 * @throws LocalDynamoDBError `DATA_DIR_UNUSABLE` */
export async function prepareDataDir(dataDir: string): Promise<Layout> {
  const wanted = resolve(dataDir);
  try {
    await makeFolders(join(wanted, "dynamodb"));
    // One folder, one name: the lock must see through links.
    const layout = layoutOf(await realpath(wanted));
    await usable(layout.dataDir);
    await usable(layout.root);
    return layout;
  } catch (error) {
    throw unusable(wanted, wanted, error);
  }
}

/** Creates the engine's own folder. @throws LocalDynamoDBError `DATA_DIR_UNUSABLE` */
export async function prepareEngineDir(layout: Layout, engine: EngineKind): Promise<void> {
  const dir = layout.engineDir[engine];
  try {
    await makeFolders(dir);
    await usable(dir);
    const file = layout.dataFile[engine];
    if (await exists(file)) await access(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw unusable(layout.dataDir, dir, error);
  }
}

export async function enginesWithData(layout: Layout): Promise<EngineKind[]> {
  const kinds: EngineKind[] = ["dynoxide", "dynalite"];
  try {
    const found = await Promise.all(kinds.map((kind) => exists(layout.dataFile[kind])));
    return kinds.filter((_, index) => found[index]);
  } catch (error) {
    throw unusable(layout.dataDir, layout.root, error);
  }
}

export function unusable(dataDir: string, path: string, error: unknown): LocalDynamoDBError {
  return new LocalDynamoDBError(
    { code: "DATA_DIR_UNUSABLE", data_dir: dataDir, path, reason: reasonOf(error) },
    { cause: error },
  );
}

/** Does something with a file of ours. @throws LocalDynamoDBError `DATA_DIR_UNUSABLE` when the file system refuses */
export async function withFile<T>(
  layout: Layout,
  path: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  try {
    return await work(path);
  } catch (error) {
    throw unusable(layout.dataDir, path, error);
  }
}

async function usable(dir: string): Promise<void> {
  await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}
