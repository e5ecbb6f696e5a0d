import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AgentRecords,
  type Item,
  MemoryProjectStore,
  MemoryRecordStore,
  type ProjectStore,
  type RecordStore,
  Repository,
} from "@stagefold/core";
import { createDynamoClient, DynamoProjectStore, ensureTable } from "@stagefold/core/dynamodb";
import { createFileStores } from "@stagefold/core/files";
import { type EngineName, startEngine } from "@stagefold/store-testing/engine";
import { type ImportOptions, runImport } from "../src/index.ts";

/** Where an import goes: a store, real files, and a folder for what waits. */
export async function aPlace(
  store: ProjectStore = new MemoryProjectStore(),
  recordStore: RecordStore = new MemoryRecordStore(),
) {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-migrate-"));
  const { artifacts, logs } = createFileStores(join(folder, "files"));
  const repository = new Repository({ store, artifacts, logs });
  const records = new AgentRecords({ records: recordStore, artifacts });
  return {
    store,
    folder: join(folder, "import"),
    files: join(folder, "files"),
    repository,
    records,
    recordStore,
    artifacts,
    logs,
    report: join(folder, "report.jsonl"),
    run: (options: Pick<ImportOptions, "sources"> & Partial<ImportOptions>) =>
      runImport({ repository, records, folder: join(folder, "import"), ...options }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export { ENGINES } from "@stagefold/store-testing/engine";

type Client = ReturnType<typeof createDynamoClient>;

/** A table on an embedded engine of its own. */
export async function startTable(
  name: EngineName,
): Promise<AsyncDisposable & { client: Client; store: ProjectStore }> {
  const engine = await startEngine(name);
  const client = createDynamoClient({ endpoint: engine.endpoint });
  await ensureTable(client, "AgentProjects");
  return {
    client,
    store: new DynamoProjectStore(client, "AgentProjects"),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await engine.close();
    },
  };
}

/** Items without what each write changes, by id. */
export async function itemsOf(store: ProjectStore, ids: readonly string[]): Promise<Map<string, Item>> {
  const items = await store.getMany(ids);
  return new Map(
    items
      .map((item): [string, Item] => {
        const { revision: _r, updated_at: _u, ...rest } = item;
        return [String(item.project_id), rest];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** The same, with the full list of a stage in place of the name of the document that has it: that one says how it grew. */
export async function contentsOf(
  { store, repository }: { readonly store: ProjectStore; readonly repository: Repository },
  ids: readonly string[],
): Promise<Map<string, unknown>> {
  const contents = new Map<string, unknown>();
  for (const [id, item] of await itemsOf(store, ids)) {
    const inDocuments = JSON.stringify(item).includes('"artifact_manifest"');
    const lists = inDocuments ? await repository.artifactsOf(await repository.get(id)) : [];
    const named = (key: string, value: unknown) => (key === "artifact_manifest" ? "in a document" : value);
    contents.set(id, { item: JSON.parse(JSON.stringify(item, named)), lists });
  }
  return contents;
}
