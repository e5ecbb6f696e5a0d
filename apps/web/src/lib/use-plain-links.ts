import { useRouter } from "@tanstack/react-router";
import type { MouseEvent } from "react";

/**
 * Makes the plain links in an element go through the router. A link of the router's own costs too much where there are
 * hundreds; this one handler does for all of them what it would do for each.
 */
export function usePlainLinks() {
  const router = useRouter();
  return (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
    if (!link || link.origin !== location.origin) return;
    event.preventDefault();
    router.history.push(link.pathname + link.search);
  };
}
