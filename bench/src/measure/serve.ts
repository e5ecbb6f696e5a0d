/**
 * The other side of `startProgram`: what a program does with its argument and then with each message. What it throws
 * ends the process, and so its caller sees it.
 */
export async function serve(
  begin: (argument: unknown) => Promise<{
    readonly answer: (message: unknown) => Promise<unknown>;
    readonly close: () => Promise<unknown>;
  }>,
): Promise<void> {
  const { answer, close } = await begin(JSON.parse(process.argv[2] ?? "null"));
  process.on("message", (envelope: { message: unknown }) => {
    answer(envelope.message).then(
      (value) => process.send?.(value ?? null),
      (error: unknown) => crash(error),
    );
  });
  const leave = () => {
    close().then(
      () => process.exit(0),
      (error: unknown) => crash(error),
    );
  };
  process.once("SIGTERM", leave);
  process.once("disconnect", leave);
  process.send?.("ready");
}

function crash(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
