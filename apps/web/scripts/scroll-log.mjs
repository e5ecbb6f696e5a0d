// How smoothly a log scrolls: writes one of 100,000 lines (or as many as it is told), with colours and long lines, reads it,
// scrolls through it up and down, wrapped and not, and prints the longest task of the browser's main thread. One that
// computes for more than 100 ms is a failure; what a busy machine makes of it on the clock is printed beside it.
import { main, openBrowser, startStack } from "./stack.mjs";

const COUNT = Number(process.argv[2] ?? 100_000);
const AT_ONCE = 4000;
const LIMIT_MS = 100;

await main(async () => {
  const stack = await startStack({ STAGEFOLD_WORKER_CONCURRENCY: "1" });
  const browser = await openBrowser();
  try {
    const project_id = await write(stack);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const began = performance.now();
    await page.goto(`${stack.url}/builds/${project_id}`);
    await page.locator("[data-log-state=over]").waitFor({ timeout: 300_000 });
    say(`${COUNT} lines read in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    const worst = [];
    for (const how of ["wrapped", "in one line each"]) {
      worst.push(await measured(browser, page, how));
      await page.getByRole("button", { name: "Wrap lines" }).click();
      await page.waitForTimeout(1000);
    }
    if (Math.max(...worst) > LIMIT_MS)
      throw new Error(`expected no task over ${LIMIT_MS} ms, found ${Math.max(...worst).toFixed(0)} ms`);
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

/** @param {import("playwright-core").Browser} browser @param {import("playwright-core").Page} page @param {string} how */
async function measured(browser, page, how) {
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });
  const rows = await page.evaluate(scroll);
  const { traceEvents } = JSON.parse(String(await browser.stopTracing()));
  // The page's own main thread is the one that draws frames.
  const drawn = traceEvents.filter((/** @type {any} */ { name }) => name === "FireAnimationFrame");
  const { pid, tid } = drawn[0];
  const tasks = traceEvents.filter(
    (/** @type {any} */ event) =>
      event.pid === pid && event.tid === tid && /RunTask$/.test(event.name) && event.tdur,
  );
  const longest = (/** @type {"dur" | "tdur"} */ what) =>
    tasks.reduce(
      (/** @type {number} */ most, /** @type {any} */ task) => Math.max(most, task[what] / 1000),
      0,
    );
  say(
    `${how}: ${drawn.length} frames, ${rows} lines in the page; longest task ${longest("tdur").toFixed(0)} ms of work, ${longest("dur").toFixed(0)} ms on the clock`,
  );
  return longest("tdur");
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
