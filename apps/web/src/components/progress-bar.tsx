import { cn } from "../lib/cn.ts";
import { STATUS_LOOK, type Status } from "./status.tsx";

/** `value` is 0 to 100. */
export function ProgressBar({ value, status, label }: { value: number; status: Status; label: string }) {
  return (
    <div
      aria-label={label}
      aria-valuemax={100}
      aria-valuemin={0}
      aria-valuenow={Math.floor(value)}
      className="h-1.5 w-full overflow-hidden rounded-full bg-sunken"
      role="progressbar"
    >
      <div
        className={cn("h-full rounded-full transition-[width] duration-500", STATUS_LOOK[status].bar)}
        style={{ width: `${value}%` }}
      />
    </div>
  );
}
