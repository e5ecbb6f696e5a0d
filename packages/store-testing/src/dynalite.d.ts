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
