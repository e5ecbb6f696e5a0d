import { buildSeconds } from "@stagefold/core";
import { useLang } from "../i18n/lang.ts";
import { cn } from "../lib/cn.ts";
import { formatDuration, formatExact, formatRelative, formatUntil } from "../lib/format.ts";
import { useNow } from "../lib/ticker.ts";

export interface RelativeTimeProps {
  at: string;
  className?: string;
  /** Where there is little room. */
  narrow?: boolean;
}

/** "5 minutes ago", with the exact time on hover. */
export function RelativeTime({ at, className, narrow = false }: RelativeTimeProps) {
  const lang = useLang();
  const now = useNow();
  return (
    <time className={cn("whitespace-nowrap", className)} dateTime={at} title={formatExact(at, lang)}>
      {formatRelative(at, now, lang, narrow ? "narrow" : "long")}
    </time>
  );
}

/** "in 5m 10s", counting down, with the exact time on hover. */
export function TimeUntil({ at }: { at: string }) {
  const lang = useLang();
  const now = useNow();
  return (
    <time dateTime={at} title={formatExact(at, lang)}>
      {formatUntil(at, now, lang)}
    </time>
  );
}

/** Time from `from` to `to`; it runs on while there is no `to`. */
export function Duration({
  from,
  to,
  className,
}: {
  from: string;
  to?: string | undefined;
  className?: string;
}) {
  const lang = useLang();
  const now = useNow(to === undefined);
  const end = to === undefined ? Math.max(now, Date.parse(from)) : Date.parse(to);
  const seconds = Math.max(0, (end - Date.parse(from)) / 1000);
  // Tenths of a running clock would only flicker.
  return <span className={className}>{formatDuration(seconds, lang, to === undefined)}</span>;
}

/** The time that a build was active. It runs on while the build does. */
export function BuildDuration({
  build,
  className,
}: {
  build: Parameters<typeof buildSeconds>[0];
  className?: string;
}) {
  const lang = useLang();
  const runs = build.status === "building" || build.status === "paused";
  const seconds = buildSeconds(build, useNow(runs));
  return (
    <span className={className}>{seconds === undefined ? "–" : formatDuration(seconds, lang, runs)}</span>
  );
}
