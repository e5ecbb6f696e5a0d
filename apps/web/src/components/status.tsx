import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CirclePause,
  CircleSlash,
  CircleX,
  Clock3,
  LoaderCircle,
  type LucideIcon,
  SkipForward,
} from "lucide-react";
import { common, statusNames } from "../i18n/common.ts";
import { useLang, useMessages } from "../i18n/lang.ts";
import type { ProjectStatus, StageStatus } from "../lib/api.ts";
import { cn } from "../lib/cn.ts";

export type Status = ProjectStatus | StageStatus;

export interface StatusLook {
  readonly icon: LucideIcon;
  /** Classes of text, of a soft background with readable text, and of a solid bar. */
  readonly text: string;
  readonly soft: string;
  readonly bar: string;
  readonly spins?: true;
}

const idle = { text: "text-idle", soft: "bg-idle-soft text-idle", bar: "bg-idle" };
const info = { text: "text-info", soft: "bg-info-soft text-info", bar: "bg-info" };
const good = { text: "text-good", soft: "bg-good-soft text-good", bar: "bg-good" };
const bad = { text: "text-bad", soft: "bg-bad-soft text-bad", bar: "bg-bad" };
const warn = { text: "text-warn", soft: "bg-warn-soft text-warn", bar: "bg-warn" };

/** How each state looks: a colour, an icon, and always its name beside them. */
export const STATUS_LOOK: Readonly<Record<Status, StatusLook>> = {
  pending: { ...idle, icon: CircleDashed },
  queued: { ...idle, icon: Clock3 },
  building: { ...info, icon: LoaderCircle, spins: true },
  running: { ...info, icon: LoaderCircle, spins: true },
  waiting: { ...warn, icon: CircleHelp },
  paused: { ...warn, icon: CirclePause },
  completed: { ...good, icon: CircleCheck },
  failed: { ...bad, icon: CircleX },
  skipped: { ...idle, icon: SkipForward },
  cancelled: { ...idle, icon: CircleSlash },
};

export function StatusIcon({ status, className }: { status: Status; className?: string }) {
  const { icon: Icon, text, spins } = STATUS_LOOK[status];
  return (
    <Icon
      aria-hidden
      className={cn("size-4 shrink-0", text, spins && "animate-spin [animation-duration:2.4s]", className)}
    />
  );
}

/** A build that has come to its end, though not with all that was asked for. */
const INCOMPLETE: StatusLook = { ...warn, icon: CircleAlert };

/** How a build looks, by its state and by how much of what was asked for it left out. */
export function lookOf(status: Status, unmet = 0): StatusLook {
  return status === "completed" && unmet > 0 ? INCOMPLETE : STATUS_LOOK[status];
}

export interface StatusBadgeProps {
  status: Status;
  /** Without a background. */
  plain?: boolean;
  /** Of a build: how much of what was asked for it left out. */
  unmet?: number | undefined;
}

/** Icon and name of a state. */
export function StatusBadge({ status, plain = false, unmet = 0 }: StatusBadgeProps) {
  const c = useMessages(common);
  const lang = useLang();
  const { soft, text, icon: Icon, spins } = lookOf(status, unmet);
  return (
    <span
      className={cn(
        "inline-flex items-center gap-1.5 whitespace-nowrap font-medium text-xs",
        plain ? text : cn("rounded-full py-0.5 pr-2.5 pl-1.5", soft),
      )}
      data-status={status}
    >
      <Icon
        aria-hidden
        className={cn("size-3.5 shrink-0", spins && "animate-spin [animation-duration:2.4s]")}
      />
      {statusNames[lang][status]}
      {status === "completed" && unmet > 0 && ` · ${c.unmet(unmet)}`}
    </span>
  );
}
