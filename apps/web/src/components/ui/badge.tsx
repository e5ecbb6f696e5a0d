import type { ReactNode } from "react";

/** A short neutral mark, such as a tag. */
export function Badge({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span
      className="inline-block max-w-40 truncate rounded bg-idle-soft px-1.5 py-px align-middle text-ink-2 text-xs"
      title={title}
    >
      {children}
    </span>
  );
}
