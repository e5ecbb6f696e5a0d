import { cn } from "../lib/cn.ts";
import { lookOf, type Status } from "./status.tsx";

export interface StageDotsProps {
  /** How many stages there are, and how many are done. */
  total: number;
  done: number;
  /** Of the build: how the stage after the done ones stands. */
  status: Status;
  unmet?: number | undefined;
  /** The same in words. */
  label: string;
}

/** So many are told apart at a glance; of more, each is a part of a line. */
const DOTS = 12;

/** A build's stages, a dot each: filled where done, coloured where it is at. */
export function StageDots({ total, done, status, unmet, label }: StageDotsProps) {
  const { bar, spins } = lookOf(status, unmet);
  const lined = total > DOTS;
  return (
    <span
      aria-label={label}
      className={cn("flex items-center", lined ? "gap-px" : "gap-1")}
      data-testid="stage-dots"
      role="img"
      title={label}
    >
      {Array.from({ length: total }, (_, i) => (
        <span
          className={cn(
            lined ? "h-2 min-w-px flex-1 first:rounded-l-full last:rounded-r-full" : "size-2.5 rounded-full",
            // Of a build that left something out, the last one says so.
            i < done && (status === "completed" && i === total - 1 ? bar : "bg-good"),
            i === done && status !== "completed" && isAt(status) && bar,
            i === done && spins && "animate-pulse",
            (i > done || (i === done && !isAt(status))) && "border border-line-strong/60",
          )}
          // biome-ignore lint/suspicious/noArrayIndexKey: stages stay in their order
          key={i}
        />
      ))}
    </span>
  );
}

/** Whether the build is at its next stage, or has not come to it. */
function isAt(status: Status): boolean {
  return status !== "queued" && status !== "pending" && status !== "cancelled";
}
