// How smoothly the list of builds scrolls: makes 10,000 builds (or as many as it is told), scrolls through all of them and
// back, and prints the longest task that kept the browser's main thread. More than 100 ms by the clock is a failure.
import { main, openBrowser, startStack } from "./stack.mjs";
import { CATEGORIES, describe, judge, tasksOf } from "./tasks.mjs";

const COUNT = Number(process.argv[2] ?? 10_000);
const AT_ONCE = 64;

await main(async () => {
  const stack = await startStack({ STAGEFOLD_WORKER_CONCURRENCY: "1" });
  const browser = await openBrowser();
  try {
    await make(stack);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(stack.url);
    await page.locator("tr[data-build]").first().waitFor();
    await page.waitForTimeout(2000);
    await browser.startTracing(page, { categories: CATEGORIES });
    const seconds = await page.evaluate(scroll, COUNT);
    const tasks = tasksOf(JSON.parse(String(await browser.stopTracing())).traceEvents);
    const rows = await page.locator("tr[data-build]").count();
    say(
      `${COUNT} builds scrolled through and back in ${seconds.toFixed(1)} s, ${rows} rows in the page at the end`,
    );
    say(describe(tasks));
    judge([tasks]);
  } finally {
    await browser.close();
    await stack.close();
  }
});

/** @param {Awaited<ReturnType<typeof startStack>>} stack */
async function make({ call }) {
  const began = performance.now();
  for (let from = 0; from < COUNT; from += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, COUNT - from) }, (_, i) =>
        call("POST", "projects.create", {
          requirement: "one of many",
          project_name: `build_${from + i}`,
          user_id: `user_${(from + i) % 7}`,
          tags: i % 3 === 0 ? ["every-third", "demo"] : [],
          pipeline: "own",
          stages: [{ stage: "one" }],
        }),
      ),
    );
  say(`${COUNT} builds made in ${((performance.now() - began) / 1000).toFixed(0)} s`);
}

/** In the page: to the last build, as fast as its pages come, then back to the top. @param {number} count */
async function scroll(count) {
  const began = performance.now();
  const scroller = document.querySelector("div:has(> table)");
  if (!scroller) throw new Error("expected the list, found none");
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const last = () => document.querySelector(`tr[aria-rowindex="${count + 1}"]`);
  while (!last()) {
    scroller.scrollTop += 400;
    await frame();
  }
  while (scroller.scrollTop > 0) {
    scroller.scrollTop -= 1600;
    await frame();
  }
  return (performance.now() - began) / 1000;
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}
