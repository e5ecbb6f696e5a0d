import { CircleAlert, Info } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "../../lib/cn.ts";

/** Something that the reader of a page should know; a warning by its colour and its icon. */
export function Notice({ warns = false, children }: { warns?: boolean; children: ReactNode }) {
  const Icon = warns ? CircleAlert : Info;
  return (
    <div
      className={cn(
        "flex items-start gap-2 rounded-lg px-3 py-2.5 text-sm",
        warns ? "bg-warn-soft text-warn" : "bg-info-soft text-info",
      )}
      role="status"
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1">{children}</div>
    </div>
  );
}
