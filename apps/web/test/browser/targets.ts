import type { Page } from "playwright-core";

/**
 * What a finger may press, and what of it is lower than 44 pixels: by what lies under the points above and below its
 * middle, so that a label or a row that belongs to it counts. A link within a sentence needs only to have no other
 * target within 12 pixels of its middle (WCAG 2.5.8).
 * `within` says in which part of the page, as a selector.
 */
export function targets(page: Page, within = "body"): Promise<{ seen: number; small: string[] }> {
  return page.evaluate(async (parts) => {
    const HEIGHT = 44;
    const SPACING = 12;
    const ROWS = "[data-build], [data-stage]";
    const OPENS_ROW = "[data-build] a, [data-row]";
    // What the arrow keys reach, and not Tab.
    const CHOICES = "[role^=menuitem], [role=option], [role=tab]";
    const CONTROLS = `a[href], button, select, textarea, summary, input:not([type=hidden]), [role=checkbox], [role=switch], [tabindex='0'][role=scrollbar], ${CHOICES}`;
    const small: string[] = [];
    // Bars of a timeline lie in a row that opens the same.
    const all = [...document.querySelectorAll<HTMLElement>(CONTROLS)].filter(
      (it) =>
        (it.tabIndex >= 0 || it.matches(CHOICES)) &&
        it.closest(parts) !== null &&
        !it.closest("[inert], .sr-only") &&
        it.checkVisibility({ visibilityProperty: true, opacityProperty: true }),
    );
    for (const it of all) {
      it.scrollIntoView({ block: "center", inline: "center" });
      const { left, top, width, height } = it.getBoundingClientRect();
      // Above the page until it has the focus.
      if (top + height < 0) continue;
      const [x, y] = [left + width / 2, top + height / 2];
      const isHit = (dx: number, dy: number) => {
        const under = document.elementFromPoint(x + dx, y + dy);
        if (!under) return false;
        if (it.contains(under)) return true;
        const owner = under.closest("a, button, label");
        if (owner instanceof HTMLLabelElement) return owner.control === it || owner.contains(it);
        // A row that opens the same, also by the bars in it.
        const isRow = it.closest(ROWS) !== null && it.closest(ROWS) === under.closest(ROWS);
        return isRow && it.matches(OPENS_ROW) && (owner === null || owner.matches("[data-bar]"));
      };
      const reach = (by: 1 | -1) => {
        let at = 0;
        while (at < HEIGHT && isHit(0, by * (at + 0.5))) at += 0.5;
        return at;
      };
      const style = getComputedStyle(it);
      const inline = style.display === "inline" && hasTextBeside(it);
      const high = reach(1) + reach(-1);
      const fits = inline
        ? ![-SPACING, SPACING].some((dy) => {
            const other = document.elementFromPoint(x, y + dy)?.closest(CONTROLS);
            return other && other !== it && !other.contains(it);
          })
        : high >= HEIGHT - 1;
      if (!fits) {
        const what = it.getAttribute("aria-label") || it.textContent?.trim().slice(0, 40) || it.id;
        small.push(
          `${it.tagName.toLowerCase()} "${what}" ${high} px (${it.className.toString().slice(0, 60)})`,
        );
      }
    }
    return { seen: all.length, small };

    function hasTextBeside(it: Element): boolean {
      return [...(it.parentElement?.childNodes ?? [])].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== "",
      );
    }
  }, within);
}
