/** Loaded before a program that is started with --expose-gc: on SIGUSR2 it collects garbage. */
process.on("SIGUSR2", () => {
  if (globalThis.gc === undefined) throw new Error("expected --expose-gc");
  globalThis.gc();
  globalThis.gc();
});
