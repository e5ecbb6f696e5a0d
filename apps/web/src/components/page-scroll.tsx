import type { ReactNode } from "react";
import { cn } from "../lib/cn.ts";

/** A page that scrolls as a whole; `narrow` for forms and texts. */
export function PageScroll({ children, narrow = false }: { children: ReactNode; narrow?: boolean }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={0}>
      <div className={cn("mx-auto w-full px-4 py-6 sm:px-6", narrow ? "max-w-2xl" : "max-w-6xl")}>
        {children}
      </div>
    </div>
  );
}
