import type { Page } from "playwright-core";
import { axe } from "./browser.ts";
import type { Furnished } from "./furnished.ts";
import { targets } from "./targets.ts";

/** What lies over a page once it has been opened. */
const SURFACE = "[role=dialog], [role=alertdialog], [role=menu]";

export interface Opening {
  /** A page, by its name in `furnished.ts`. */
  readonly on: string;
  /** What is done there first. */
  readonly before?: (page: Page) => Promise<unknown>;
  /** Names of what is pressed: the first on the page, or a key of it, each of the others in what the one before opened. */
  readonly press: readonly (string | RegExp)[];
}

const open = (on: string, ...press: Opening["press"]): Opening => ({ on, press });

const select = (page: Page) =>
  page.getByRole("checkbox", { name: "Select release_2026_11_with_all_of_its_translations" }).check();

/** Every menu, dialog, popover and question of the dashboard. */
export const OPENINGS: readonly Opening[] = [
  open("builds", "More"),
  open("builds", "Language and look"),
  open("builds", "Dates"),
  open("builds", "Views"),
  { on: "builds", press: ["Views"], before: keepView },
  open("builds", "key ?"),
  open("builds", "key Control+k"),
  { on: "builds", press: ["Cancel build"], before: select },
  { on: "builds", press: ["Delete"], before: selectAll },
  open("a build", "Details"),
  open("a build", "More actions"),
  open("a build", "More actions", "Delete"),
  open("a build", "More of the log"),
  open("a build", "Run again from here"),
  open("a failed build", "More actions", "Retry with another pipeline…"),
  open("a gate", "Cancel"),
  open("agent", "More actions"),
  open("agent", "More actions", "Delete"),
  open("talk", "More actions"),
  open("talk", "More actions", "Delete"),
  open("schedules", "New schedule"),
  open("schedules", /^Show the next times/),
  open("schedules", /^More for monthly/),
  open("schedules", /^More for monthly/, "Edit"),
  open("schedules", /^More for monthly/, "Delete"),
  open("webhooks", "New webhook"),
  open("webhooks", /^More for .*name$/),
  open("webhooks", /^More for .*name$/, "Edit"),
  open("webhooks", /^More for .*name$/, "Delete"),
  open("webhooks", /^More for .*name$/, "Rotate the secret", "Rotate the secret"),
  open("keys", "New key"),
  open("keys", /^Revoke continuous/),
  open("keys", /^Rotate continuous/, "Rotate"),
];

async function selectAll(page: Page) {
  await page.getByRole("checkbox", { name: "Select all" }).check();
}

/** A view whose name and filters are longer than a phone is wide. */
async function keepView(page: Page) {
  const search = {
    status: "failed",
    user: "wang.xiaoming@example.org",
    tag: "of-the-team-with-the-long-name",
  };
  const views = [{ name: "What_failed_of_the_quarterly_reports_of_all_regions", search }];
  await page.evaluate((kept) => localStorage.setItem("stagefold.builds.views", JSON.stringify(kept)), views);
}

/** Opens each with the keyboard, and says what is wrong with what came. */
export async function faultsOfOpened(page: Page, { url, pages }: Furnished): Promise<string[]> {
  const found: string[] = [];
  let at = "";
  for (const { on, press, before } of OPENINGS) {
    const { path = "", shows = "" } = pages[on] ?? {};
    if (at !== on || before) await page.goto(url + path);
    at = on;
    await page.locator("main").getByText(shows).filter({ visible: true }).first().waitFor();
    await before?.(page);
    const name = `${on}: ${press.join(" → ")}`;
    found.push(...(await faultsOf(page, press)).map((fault) => `${name}: ${fault}`));
  }
  return found;
}

async function faultsOf(page: Page, press: Opening["press"]): Promise<string[]> {
  const [first = "", ...others] = press;
  const key = /^key (.*)/.exec(String(first))?.[1];
  const opener = key
    ? page.getByRole("button", { name: "Language and look" })
    : page.getByRole("button", { name: first, exact: true }).filter({ visible: true }).first();
  await opener.focus();
  await page.keyboard.press(key ?? "Enter");
  await come(page);
  for (const name of others) {
    const surface = page.locator(SURFACE);
    await surface
      .getByRole("menuitem", { name, exact: true })
      .or(surface.getByRole("button", { name, exact: true }))
      .focus();
    await page.locator(SURFACE).evaluate((it) => it.setAttribute("data-seen", ""));
    await page.keyboard.press("Enter");
    await come(page);
  }
  const { small } = await targets(page, SURFACE);
  const found = [...small, ...(await cutOff(page)), ...(await axe(page, SURFACE))];
  const inside = await page.evaluate((them) => document.activeElement?.closest(them) != null, SURFACE);
  if (!inside) found.push("the focus is not in it");
  await page.keyboard.press("Escape");
  await page.locator(SURFACE).waitFor({ state: "detached" });
  const back = await opener
    .and(page.locator(":focus"))
    .waitFor({ timeout: 5000 })
    .then(() => true)
    .catch(() => false);
  if (!back) {
    const where = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 100));
    found.push(`closed, it leaves the focus at ${where}`);
  }
  return found;
}

async function come(page: Page): Promise<void> {
  await page.locator(`:is(${SURFACE}):not([data-seen])`).waitFor();
  await page.locator(`:is(${SURFACE})[data-seen]`).waitFor({ state: "detached" });
  await page.locator(`:is(${SURFACE}) [aria-busy=true]`).waitFor({ state: "detached" });
}

/** What of it is out of the window, wider than there is room, or behind an edge where it cannot be scrolled to. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate((them) => {
    const found: string[] = [];
    for (const surface of document.querySelectorAll(them)) {
      const { left, right, top, bottom } = surface.getBoundingClientRect();
      if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight)
        found.push(
          `it reaches from ${left}, ${top} to ${right}, ${bottom} in a window of ${innerWidth}, ${innerHeight}`,
        );
      for (const it of [surface, ...surface.querySelectorAll("*")]) {
        const { overflowX, overflowY, textOverflow, webkitLineClamp } = getComputedStyle(it);
        if (it.closest(".sr-only") || it.matches("input, select, textarea, svg *")) continue;
        const what = `${it.tagName.toLowerCase()} "${it.textContent?.trim().slice(0, 40)}"`;
        const hides = (overflow: string) => overflow === "hidden" || overflow === "clip";
        if (overflowX !== "visible" && textOverflow !== "ellipsis" && it.scrollWidth > it.clientWidth + 1)
          found.push(`${what} is ${it.scrollWidth} px wide in ${it.clientWidth}`);
        if (hides(overflowY) && webkitLineClamp === "none" && it.scrollHeight > it.clientHeight + 1)
          found.push(`${what} is ${it.scrollHeight} px high in ${it.clientHeight}`);
      }
    }
    return found;
  }, SURFACE);
}
