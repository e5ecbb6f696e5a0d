// The tasks of a page's main thread, from a trace of the browser.

export const LIMIT_MS = 100;

/** Categories of the trace that is read here. */
export const CATEGORIES = ["toplevel", "devtools.timeline"];

/**
 * The longest task by the clock and the longest by processor time, in milliseconds, and the share of their time that all
 * tasks only waited for a processor: far above nothing, the machine had other things to do, and the clock says little.
 * @param {{ name: string, pid: number, tid: number, dur?: number, tdur?: number }[]} events
 */
export function tasksOf(events) {
  // The page's own main thread is the one that runs its functions.
  /** @type {Map<string, number>} */
  const calls = new Map();
  for (const { name, pid, tid } of events)
    if (name === "FunctionCall") calls.set(`${pid}.${tid}`, (calls.get(`${pid}.${tid}`) ?? 0) + 1);
  const [main] = [...calls].sort(([, one], [, other]) => other - one);
  if (!main) throw new Error("expected calls of functions in the trace, found none");
  const tasks = events.filter(
    ({ name, pid, tid, dur, tdur }) =>
      `${pid}.${tid}` === main[0] && name.endsWith("RunTask") && dur !== undefined && tdur !== undefined,
  );
  if (tasks.length === 0) throw new Error("expected tasks in the trace, found none");
  const clock = tasks.map(({ dur = 0 }) => dur / 1000);
  const work = tasks.map(({ tdur = 0 }) => tdur / 1000);
  const sum = (/** @type {number[]} */ all) => all.reduce((one, other) => one + other, 0);
  return {
    count: tasks.length,
    clock: Math.max(...clock),
    work: Math.max(...work),
    over: clock.filter((ms) => ms > LIMIT_MS).length,
    waited: Math.max(0, 1 - sum(work) / sum(clock)),
  };
}

/** @param {ReturnType<typeof tasksOf>} tasks */
export function describe({ count, clock, work, over, waited }) {
  return `${count} tasks; the longest task ${clock.toFixed(0)} ms on the clock, ${work.toFixed(0)} ms of work; ${over} over ${LIMIT_MS} ms on the clock; ${(waited * 100).toFixed(0)} % of all task time was waiting for a processor`;
}

/** Fails when a task was too long, by the clock or by its work. @param {readonly ReturnType<typeof tasksOf>[]} all */
export function judge(all) {
  const worst = Math.max(...all.map(({ clock, work }) => Math.max(clock, work)));
  if (worst <= LIMIT_MS) return;
  const busy = all.some(({ waited }) => waited > 0.2)
    ? " (the machine was busy with other things: repeat it on an idle one)"
    : "";
  throw new Error(`expected no task over ${LIMIT_MS} ms, found ${worst.toFixed(0)} ms${busy}`);
}
