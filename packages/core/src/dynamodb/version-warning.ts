/** The AWS SDK warns of each Node below its next major at every start. Its version is locked here: nothing follows from it. */
export function withoutVersionWarning<T>(make: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith("NodeVersionSupportWarning"))
      Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}
