/** The parts of dynalite 4 that are used here; it brings no types of its own. */
declare module "dynalite" {
  import type { Server } from "node:http";

  export interface DynaliteOptions {
    /** Folder of the LevelDB. */
    path: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }
  /** Its `close` also closes the LevelDB, after the requests in flight. */
  export default function dynalite(options: DynaliteOptions): Server;
}

declare module "dynalite/db/index.js" {
  import type { ClassicLevel } from "classic-level";
  import type { DynaliteOptions } from "dynalite";

  export interface IndexDefinition {
    IndexName: string;
    IndexStatus?: string;
    KeySchema: { AttributeName: string }[];
  }
  export interface TableRecord {
    TableName: string;
    TableStatus: string;
    KeySchema: { AttributeName: string }[];
    AttributeDefinitions: { AttributeName: string; AttributeType: string }[];
    GlobalSecondaryIndexes?: IndexDefinition[];
    LocalSecondaryIndexes?: IndexDefinition[];
  }
  export interface Item {
    [attribute: string]: unknown;
  }
  export interface IndexActions {
    /** `index` is the index's name, `key` the row's key within the index. */
    puts: { index: string; key: string; item: Item }[];
    deletes: { index: string; key: string }[];
  }
  export interface Store {
    db: ClassicLevel<string, unknown>;
  }
  const internals: {
    create(options: DynaliteOptions): Store;
    /** What a write of `item` over `existing` does to the indexes. */
    getIndexActions(
      indexes: IndexDefinition[],
      existing: Item | null,
      item: Item | null,
      table: TableRecord,
    ): IndexActions;
  };
  export default internals;
}
