import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type EngineProcess, spawned, watchChild } from "./engine-process.ts";
import type { Log } from "./events.ts";
import { CLOSE, type HostArguments, isHostMessage } from "./host-messages.ts";

// The same file from src and from dist: a process of its own runs what is built.
const HOST_SCRIPT = fileURLToPath(new URL("../dist/dynalite-host.js", import.meta.url));

/** Starts dynalite in a host process that repairs the indexes first where that is needed. */
export async function launchDynalite(dir: string, port: number, log: Log): Promise<EngineProcess> {
  const args: HostArguments = { dir, port };
  const child = await spawned(
    fork(HOST_SCRIPT, [JSON.stringify(args)], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: [],
      // Ctrl-C in the terminal is for the owner, who then ends the engine last.
      detached: process.platform !== "win32",
    }),
  );
  const watched = watchChild(child, log, () => {
    if (child.connected) child.send(CLOSE);
    else child.kill("SIGTERM");
  });
  const listening = new Promise<void>((resolve) => {
    child.on("message", (message) => {
      watched.heard();
      if (!isHostMessage(message)) return;
      if (message.type === "listening") resolve();
      if (message.type === "repaired") {
        const { type, ...counts } = message;
        log({ event: "indexes_repaired", ...counts });
      }
    });
  });
  return { ...watched, listening };
}
