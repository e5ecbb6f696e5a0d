// How smoothly a log scrolls: writes one of 100,000 lines (or as many as it is told), with colours and long lines, reads it,
// scrolls through it up and down, wrapped and not, and prints the longest task of the browser's main thread. More than
// 100 ms by the clock is a failure; what reading it took is printed too.
import { main, openBrowser, startStack } from "./stack.mjs";
import { CATEGORIES, describe, judge, tasksOf } from "./tasks.mjs";

const COUNT = Number(process.argv[2] ?? 100_000);
const AT_ONCE = 4000;

await main(async () => {
  const stack = await startStack({ STAGEFOLD_WORKER_CONCURRENCY: "1" });
  const browser = await openBrowser();
  try {
    const project_id = await write(stack);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const began = performance.now();
    const read = await traced(browser, page, async () => {
      await page.goto(`${stack.url}/builds/${project_id}`);
      await page.locator("[data-log-state=over]").waitFor({ timeout: 300_000 });
    });
    say(
      `${COUNT} lines read in ${((performance.now() - began) / 1000).toFixed(1)} s: ${describe(read.tasks)}`,
    );
    const all = [];
    for (const how of ["wrapped", "in one line each"]) {
      const { tasks, answer } = await traced(browser, page, () => page.evaluate(scroll));
      say(`${how}, ${answer} lines in the page: ${describe(tasks)}`);
      all.push(tasks);
      await page.getByRole("button", { name: "Wrap lines" }).click();
      await page.waitForTimeout(1000);
    }
    judge(all);
  } finally {
    await browser.close();
    await stack.close();
  }
});

/** A build of one stage that this script runs itself. @param {Awaited<ReturnType<typeof startStack>>} stack */
async function write({ call }) {
  const stages = [{ stage: "talk", stage_name: "Talks a lot" }];
  const { project_id } = await call("POST", "projects.create", {
    requirement: "a long log",
    pipeline: "own",
    stages,
  });
  const { lease_token, lease_seq } = await call("POST", "work.claim", { owner: "scroll", project_id });
  let seq = lease_seq;
  /** @param {object} event */
  const report = (event) =>
    call("POST", "work.report", {
      project_id,
      lease_token,
      lease_seq: ++seq,
      events: [{ stage: "talk", ...event }],
    });
  await report({ event: "started" });
  for (let from = 0; from < COUNT; from += AT_ONCE) {
    const lines = Array.from({ length: Math.min(AT_ONCE, COUNT - from) }, (_, i) => line(from + i));
    await report({ event: "log", lines });
  }
  await report({ event: "completed" });
  return project_id;
}

/** @param {number} i */
function line(i) {
  const long =
    i % 97 === 0 ? " with much to say about it, so that it has to be broken into several rows".repeat(3) : "";
  return `${String(i).padStart(6, "0")} \u001b[3${i % 8}mlevel\u001b[0m worker-${i % 7} handled \u001b[1m/items/${i}\u001b[0m in ${i % 113} ms${long}`;
}

/**
 * @template T
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").Page} page
 * @param {() => Promise<T>} act
 */
async function traced(browser, page, act) {
  await browser.startTracing(page, { categories: CATEGORIES });
  const answer = await act();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing()));
  return { answer, tasks: tasksOf(traceEvents) };
}

/** In the page: through all of it in great steps, then back by the wheel's. */
async function scroll() {
  const log = document.querySelector("[data-testid=log]");
  if (!log) throw new Error("expected the log, found none");
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const step = log.scrollHeight / 200;
  for (let i = 0; i <= 200; i++) {
    log.scrollTop = i * step;
    await frame();
  }
  for (let i = 0; i < 200; i++) {
    log.scrollTop -= 120;
    await frame();
  }
  return log.querySelectorAll("[data-index]").length;
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}
