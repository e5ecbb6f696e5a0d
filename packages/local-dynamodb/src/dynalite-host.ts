import type { Server } from "node:http";
import dynalite from "dynalite";
import { guard } from "./dynalite-guard.ts";
import { levelDir, makeReady, markClean } from "./dynalite-store.ts";
import { CLOSE, type HostArguments, type HostMessage } from "./host-messages.ts";
import { HOST } from "./port.ts";

// A program of its own: serves dynalite until its owner says so or is gone. An error ends it, with the trace on
// stderr; the owner starts it again, and the data is repaired before it is served.

/** Less than the patience of the owner, and of the next owner after a kill. */
const CLOSE_MS = 4_000;
/** How long a table is on its way to ACTIVE, or to its end. AWS takes seconds; nobody is served by waiting here. */
const TABLE_MS = 20;

const args = parseArguments(process.argv[2]);
// When the owner is killed its end of these pipes is gone; there is nobody left to tell.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
let server: Server | undefined;
let closing = false;
process.on("message", (message) => {
  if (message === CLOSE) void close();
});
process.on("disconnect", () => void close());
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void close());

const repaired = await makeReady(args.dir, (items) => tell({ type: "repairing", items }));
if (repaired !== undefined) tell({ type: "repaired", ...repaired });
if (!closing) {
  server = dynalite({
    path: levelDir(args.dir),
    createTableMs: TABLE_MS,
    deleteTableMs: TABLE_MS,
    updateTableMs: TABLE_MS,
  });
  guard(server, args.port);
  server.listen({ host: HOST, port: args.port, exclusive: true }, () => tell({ type: "listening" }));
}

/** Ends cleanly if the requests in flight end in time; else as if killed, without the mark. */
async function close(): Promise<void> {
  if (closing) return;
  closing = true;
  setTimeout(() => process.exit(1), CLOSE_MS).unref();
  if (server === undefined) {
    // Still repairing: as good as killed, the next start does it again.
    process.exit(1);
  }
  await closed(server);
  await markClean(args.dir);
  process.exit(0);
}

function closed(running: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    running.close((error) => (error ? reject(error) : resolve()));
  });
}

function tell(message: HostMessage): void {
  if (process.connected) process.send?.(message);
}

function parseArguments(text: string | undefined): HostArguments {
  const value: unknown = JSON.parse(text ?? "null");
  if (
    typeof value === "object" &&
    value !== null &&
    "dir" in value &&
    typeof value.dir === "string" &&
    "port" in value &&
    typeof value.port === "number"
  ) {
    return { dir: value.dir, port: value.port };
  }
  throw new Error(`expected {"dir":…,"port":…} as the one argument, found ${text}`);
}
