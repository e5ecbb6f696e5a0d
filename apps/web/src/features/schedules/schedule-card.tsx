import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CalendarClock, CirclePause, CirclePlay, Ellipsis, Pencil, Play, Trash2 } from "lucide-react";
import { RelativeTime, TimeUntil } from "../../components/relative-time.tsx";
import { StatusBadge } from "../../components/status.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Menu, MenuItem, MenuSeparator } from "../../components/ui/menu.tsx";
import { Popover } from "../../components/ui/popover.tsx";
import { common } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { projectQuery, scheduleQuery, useApi } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { formatExact } from "../../lib/format.ts";
import { dayNames, timesOf } from "./cron.ts";
import { messages } from "./messages.ts";
import type { Schedule, ScheduleAction } from "./use-schedules.ts";

export interface ScheduleCardProps {
  schedule: Schedule;
  onAct: (action: ScheduleAction) => void;
  onEdit: () => void;
  disabled: boolean;
}

/** One schedule: when it comes, what it starts, how it went last. */
export function ScheduleCard({ schedule, onAct, onEdit, disabled }: ScheduleCardProps) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const { name, cron, time_zone, status, build, user_id } = schedule;
  const isActive = status === "active";
  return (
    <section
      aria-label={name}
      className={cn("rounded-xl border border-line bg-surface p-4", !isActive && "border-dashed")}
    >
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-64">
          <h2 className="flex flex-wrap items-center gap-2 font-semibold [overflow-wrap:anywhere]">
            {name}
            {!isActive && <StatusBadge status="paused" />}
          </h2>
          <p className="mt-0.5 text-sm">
            <Rhythm cron={cron} /> <span className="text-ink-3">· {time_zone}</span>
          </p>
          <p className="mt-1 flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 text-ink-3 text-xs">
            <Badge>{build.pipeline ?? "agent-build"}</Badge>
            {user_id !== undefined && <span>{t.createdBy(build.user_name ?? user_id)}</span>}
            <span className="line-clamp-1 min-w-0 [overflow-wrap:anywhere]">{build.requirement}</span>
          </p>
        </div>
        <div className="flex gap-1">
          <Button
            aria-label={t.runOf(name)}
            disabled={disabled}
            focusableWhenDisabled
            onClick={() => onAct("run")}
          >
            <Play aria-hidden className="size-4" />
            {t.run}
          </Button>
          <Menu
            trigger={
              <Button aria-label={t.moreOf(name)} look="ghost" size="icon">
                <Ellipsis aria-hidden className="size-4" />
              </Button>
            }
          >
            <MenuItem onClick={onEdit}>
              <Pencil aria-hidden className="size-4" />
              {c.edit}
            </MenuItem>
            <MenuItem disabled={disabled} onClick={() => onAct(isActive ? "pause" : "resume")}>
              {isActive ? (
                <CirclePause aria-hidden className="size-4" />
              ) : (
                <CirclePlay aria-hidden className="size-4" />
              )}
              {isActive ? c.pause : c.resume}
            </MenuItem>
            <MenuSeparator />
            <MenuItem danger disabled={disabled} onClick={() => onAct("delete")}>
              <Trash2 aria-hidden className="size-4" />
              {c.delete}
            </MenuItem>
          </Menu>
        </div>
      </div>
      <dl className="mt-3 grid gap-x-6 gap-y-1 border-line border-t pt-3 text-sm sm:grid-cols-2">
        <div className="flex min-h-8 min-w-0 flex-wrap items-center gap-x-2">
          <dt className="text-ink-3 text-xs">{t.next}</dt>
          <dd>
            <Next schedule={schedule} />
          </dd>
        </div>
        <div className="flex min-h-8 min-w-0 flex-wrap items-center gap-x-2">
          <dt className="text-ink-3 text-xs">{t.last}</dt>
          <dd className="min-w-0">
            <Last last={schedule.last} />
          </dd>
        </div>
      </dl>
    </section>
  );
}

/** In words where there are some, with the pattern beside them. */
function Rhythm({ cron }: { cron: string }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { rhythm, time, day, date } = timesOf(cron);
  const pattern = <code className="font-mono text-xs">{cron}</code>;
  if (rhythm === "pattern") return pattern;
  const said = {
    hourly: t.hourlyAt(String(Number(time.slice(3)))),
    daily: t.dailyAt(time),
    weekdays: t.weekdaysAt(time),
    weekly: t.weeklyAt(dayNames(lang)[Number(day)] ?? "", time),
    monthly: t.monthlyAt(date, time),
  }[rhythm];
  return (
    <>
      {said} <span className="text-ink-3">· {pattern}</span>
    </>
  );
}

/** When it comes next, and the times after that. */
function Next({ schedule: { status, next_at, schedule_id, name } }: { schedule: Schedule }) {
  const t = useMessages(messages);
  if (status === "paused") return "–";
  if (next_at === undefined) return t.noNext;
  return (
    <span className="inline-flex items-center gap-1">
      <TimeUntil at={next_at} />
      <Popover
        title={t.nextTimes}
        trigger={
          <Button aria-label={`${t.showTimes}: ${name}`} look="ghost" size="icon" title={t.showTimes}>
            <CalendarClock aria-hidden className="size-4" />
          </Button>
        }
      >
        <NextTimes scheduleId={schedule_id} />
      </Popover>
    </span>
  );
}

function NextTimes({ scheduleId }: { scheduleId: string }) {
  const c = useMessages(common);
  const lang = useLang();
  const { data } = useQuery(scheduleQuery(useApi(), scheduleId));
  return (
    <div className="grid gap-2 text-sm">
      {!data && <p className="text-ink-3">{c.loading}</p>}
      <ol className="tabular grid gap-1">
        {data?.next_times.map((at) => (
          <li key={at}>{formatExact(at, lang)}</li>
        ))}
      </ol>
    </div>
  );
}

function Last({ last }: { last: Schedule["last"] | undefined }) {
  const t = useMessages(messages);
  if (last === undefined) return <span className="text-ink-3">{t.never}</span>;
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      <RelativeTime at={last.at} narrow />
      {last.project_id !== undefined && <LastBuild projectId={last.project_id} />}
      {last.error !== undefined && <span className="text-bad [overflow-wrap:anywhere]">{last.error}</span>}
      {last.missed !== undefined && <span className="text-warn text-xs">{t.missed(last.missed)}</span>}
    </span>
  );
}

function LastBuild({ projectId }: { projectId: string }) {
  const { data, error } = useQuery(projectQuery(useApi(), projectId));
  if (error && !data) return null;
  return (
    <Link
      className="inline-flex min-w-0 items-center gap-1.5 text-accent hover:underline"
      params={{ projectId }}
      to="/builds/$projectId"
    >
      <span className="max-w-48 truncate">{data?.project_name.trim() || projectId}</span>
      {data && <StatusBadge plain status={data.status} />}
    </Link>
  );
}
