import { cn } from "../lib/cn.ts";
import { lookOf, type Status } from "./status.tsx";

export interface ProgressBarProps {
  /** 0 to 100. */
  value: number;
  status: Status;
  unmet?: number | undefined;
  label: string;
}

export function ProgressBar({ value, status, unmet, label }: ProgressBarProps) {
  return (
    <div
      aria-label={label}
      aria-valuemax={100}
      aria-valuemin={0}
      aria-valuenow={Math.floor(value)}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line"
      role="progressbar"
    >
      <div
        className={cn("h-full rounded-full transition-[width] duration-500", lookOf(status, unmet).bar)}
        style={{ width: `${value}%` }}
      />
    </div>
  );
}
