import { cn } from "../../lib/cn.ts";

/** The place of something that is being loaded. Give it the size of what comes. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse rounded bg-idle-soft", className)} />;
}
