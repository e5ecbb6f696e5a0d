import { spawn } from "node:child_process";
import type { Duplex, Readable, Writable } from "node:stream";
import { type EngineProcess, spawned, watchChild } from "./engine-process.ts";
import type { Log } from "./events.ts";
import { HOST } from "./port.ts";

/**
 * Runs the engine with a watcher beside it: a shell that waits on a pipe from us and kills the engine when the pipe
 * ends without a word, which is what happens when we are killed. The shell becomes the engine (`exec`), so the
 * child's pid is the engine's, and there is no moment in which the engine is unwatched.
 */
const WATCHED = 'engine=$$; (read -r word || kill -9 "$engine") <&3 >/dev/null 2>&1 & exec "$@" 3<&-';

/**
 * Starts dynoxide on a file. Streams are per table and off unless asked for. It keeps SQLite's write-ahead log and
 * has no setting for it: what it acknowledged has been handed to the operating system, so it survives the kill of
 * any process (not necessarily a power cut).
 */
export async function launchDynoxide(
  binary: string,
  dataFile: string,
  port: number,
  log: Log,
): Promise<EngineProcess> {
  const args = ["serve", "--host", HOST, "--port", String(port), "--db-path", dataFile];
  // A process group of its own: Ctrl-C in the terminal is for the owner, who then ends the engine last.
  const child = await spawned(
    process.platform === "win32"
      ? spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true })
      : spawn("/bin/sh", ["-c", WATCHED, "sh", binary, ...args], {
          stdio: ["ignore", "pipe", "pipe", "pipe"],
          detached: true,
        }),
  );
  dismissWatcherWhenEnded(child.stdio[3], child);
  const watched = watchChild(child, log, () => child.kill("SIGTERM"));
  const listening = new Promise<void>((resolve) => {
    watched.onOutput((line) => {
      if (line.includes("listening on")) resolve();
    });
  });
  return { ...watched, listening };
}

function dismissWatcherWhenEnded(
  pipe: Readable | Writable | Duplex | null | undefined,
  child: { once(event: "exit", listener: () => void): unknown },
): void {
  if (pipe === null || pipe === undefined || !("write" in pipe)) return;
  // The watcher may be gone already (killed with everything else); then there is nobody to dismiss.
  pipe.on("error", () => undefined);
  child.once("exit", () => pipe.end("ended\n"));
}
