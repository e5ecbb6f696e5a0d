import {
  CircleCheck,
  CircleDashed,
  CirclePause,
  CircleSlash,
  CircleX,
  Clock3,
  LoaderCircle,
  type LucideIcon,
  SkipForward,
} from "lucide-react";
import { statusNames } from "../i18n/common.ts";
import { useLang } from "../i18n/lang.ts";
import { cn } from "../lib/cn.ts";
import type { ProjectStatus, StageStatus } from "../lib/trpc.ts";

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

/** Icon and name of a state. */
export function StatusBadge({ status, plain = false }: { status: Status; plain?: boolean }) {
  const lang = useLang();
  const { soft, text } = STATUS_LOOK[status];
  return (
    <span
      className={cn(
        "inline-flex items-center gap-1.5 whitespace-nowrap font-medium text-xs",
        plain ? text : cn("rounded-full py-0.5 pr-2.5 pl-1.5", soft),
      )}
      data-status={status}
    >
      <StatusIcon className="size-3.5" status={status} />
      {statusNames[lang][status]}
    </span>
  );
}
