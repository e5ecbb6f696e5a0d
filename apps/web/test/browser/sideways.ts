import type { Page } from "playwright-core";

/** Pixels by which the page, or the part of it that scrolls as a whole, is wider than there is room. */
export function sideways(page: Page): Promise<number> {
  return page.evaluate(() => {
    const parts = [document.documentElement, ...document.querySelectorAll("main > div")];
    return Math.max(...parts.map((part) => part.scrollWidth - part.clientWidth));
  });
}
