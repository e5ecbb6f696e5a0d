/** For work that takes microseconds unless it takes for ever. */
const MAX_MS = 1000;

let run: ((work: () => void) => void) | undefined;

/**
 * What `work` returns, or undefined when it computed for a second: a regular expression that others wrote, such as
 * `^(a+)+$`, may need years for a short text, and no other request would be answered meanwhile. Node alone can end what
 * never pauses; in a browser it is the page's own time.
 */
export function withinTime<T>(work: () => T): T | undefined {
  run ??= runner();
  let value: T | undefined;
  try {
    run(() => {
      value = work();
    });
  } catch (error) {
    const isLate =
      typeof error === "object" && Reflect.get(error ?? {}, "code") === "ERR_SCRIPT_EXECUTION_TIMEOUT";
    if (!isLate) throw error;
  }
  return value;
}

function runner(): (work: () => void) => void {
  const vm = typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:vm");
  if (!vm) return (work) => work();
  const script = new vm.Script("work()");
  const context = vm.createContext({});
  return (work) => {
    context.work = work;
    script.runInContext(context, { timeout: MAX_MS });
  };
}
