import type { Page } from "playwright-core";

/** Presses Tab until the element with this role and name has the focus. */
export async function tabTo(
  page: Page,
  role: "button" | "checkbox" | "combobox" | "link" | "tab" | "searchbox" | "region",
  name: string | RegExp,
): Promise<void> {
  const wanted = page.getByRole(role, { name }).and(page.locator(":focus"));
  for (let presses = 0; presses < 150; presses++) {
    if ((await wanted.count()) > 0) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`expected Tab to come to the ${role} ${name}; it did not within 150 presses`);
}
