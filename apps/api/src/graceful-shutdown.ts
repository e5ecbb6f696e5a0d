import type { Logger } from "pino";

/** Stops once, on the first signal or when the parent process is gone; a second signal ends the process at once. */
export function stopOnSignals(log: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (reason: string) => {
    if (stopping) {
      log.warn({ reason }, "ending at once");
      process.exit(1);
    }
    stopping = true;
    log.info({ reason }, "stopping");
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "could not stop in order");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => onSignal("SIGTERM"));
  process.on("SIGINT", () => onSignal("SIGINT"));
  process.on("disconnect", () => {
    if (!stopping) onSignal("the process that started this one is gone");
  });
}
