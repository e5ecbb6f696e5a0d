import type { Lang } from "../../i18n/define-messages.ts";
import { localeOf } from "../../lib/format.ts";
import type { Bin } from "./figures.ts";

/** The reader's own time zone. */
export function timeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** "3 Jun", or "3 – 9 Jun" for several days. A date has no time zone: it is what the API called the day. */
export function dateLabel({ from, to }: Pick<Bin, "from" | "to">, lang: Lang): string {
  const format = new Intl.DateTimeFormat(localeOf(lang), { day: "numeric", month: "short", timeZone: "UTC" });
  return from === to ? format.format(Date.parse(from)) : format.formatRange(Date.parse(from), Date.parse(to));
}
