import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { installedDynoxide, verifyDynoxide } from "./dynoxide-binary.ts";
import { layoutOf, prepareDataDir, prepareEngineDir } from "./layout.ts";

export interface TableImport {
  /** A folder with `<table>/data/*.json.gz`, in the form of Amazon's own exports: `{ "Item": … }` a line. */
  readonly source: string;
  /** A file with `{ "Table": … }`, as DescribeTable answers. */
  readonly schema: string;
}

/**
 * Fills a new data folder, before any engine runs on it, many times as quick as writes would. False, with nothing done,
 * where there is no engine that can.
 * @throws LocalDynamoDBError `DATA_DIR_UNUSABLE`, `ENGINE_UNUSABLE`; an Error when the import fails
 */
export async function importIntoDataDir(dataDir: string, { source, schema }: TableImport): Promise<boolean> {
  const binary = installedDynoxide();
  if (binary === undefined) return false;
  await prepareEngineDir(await prepareDataDir(dataDir), "dynoxide");
  const output = layoutOf(dataDir).dataFile.dynoxide;
  const args = ["import", "--source", source, "--schema", schema, "--output", output];
  await promisify(execFile)(await verifyDynoxide(binary), args);
  return true;
}
