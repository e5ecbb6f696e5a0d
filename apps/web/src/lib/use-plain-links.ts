import { useRouter } from "@tanstack/react-router";
import type { MouseEvent } from "react";

/** What a click is about besides links; a click that ends the selection of a text is about the text. */
const CONTROLS = "button, input, label, select, textarea";

/**
 * Makes the plain links in an element go through the router. A link of the router's own costs too much where there are
 * hundreds; this one handler does for all of them what it would do for each. `hrefAt` may say where a click leads that
 * is on no link and on no control; there too one with Ctrl, or with the middle button, opens another tab.
 */
export function usePlainLinks(hrefAt: (target: Element) => string | undefined) {
  const router = useRouter();
  return (event: MouseEvent) => {
    if (event.defaultPrevented || event.button > 1 || !(event.target instanceof Element)) return;
    const link = event.target.closest<HTMLAnchorElement>("a[href]");
    if (event.metaKey || event.ctrlKey || event.button === 1) {
      const href = link ? undefined : elsewhere(event.target, hrefAt);
      if (href !== undefined) window.open(href, "_blank", "noopener");
      return;
    }
    if (event.shiftKey || event.altKey) return;
    if (link && link.origin !== location.origin) return;
    const href = link ? link.pathname + link.search : elsewhere(event.target, hrefAt);
    if (href === undefined) return;
    event.preventDefault();
    router.history.push(href);
  };
}

function elsewhere(target: Element, hrefAt: (target: Element) => string | undefined): string | undefined {
  if (target.closest(CONTROLS) || getSelection()?.isCollapsed === false) return undefined;
  return hrefAt(target);
}
