import type { Lang } from "../i18n/define-messages.ts";

const LOCALES = { en: "en", zh: "zh-CN" } as const satisfies Record<Lang, string>;
export function localeOf(lang: Lang): string {
  return LOCALES[lang];
}

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** Making one is slow, and lists need hundreds. */
const relative = memoised((lang) => new Intl.RelativeTimeFormat(localeOf(lang), { numeric: "auto" }));
const narrow = memoised(
  (lang) => new Intl.RelativeTimeFormat(localeOf(lang), { numeric: "auto", style: "narrow" }),
);
const exact = memoised(
  (lang) => new Intl.DateTimeFormat(localeOf(lang), { dateStyle: "medium", timeStyle: "medium" }),
);
const numbers = memoised((lang) => new Intl.NumberFormat(localeOf(lang), { maximumFractionDigits: 1 }));
const compact = memoised(
  (lang) => new Intl.NumberFormat(localeOf(lang), { notation: "compact", maximumFractionDigits: 1 }),
);

const percents = memoised(
  (lang) => new Intl.NumberFormat(localeOf(lang), { style: "percent", maximumFractionDigits: 1 }),
);
const dollars = memoised(
  (lang) =>
    new Intl.NumberFormat(localeOf(lang), {
      style: "currency",
      currency: "USD",
      currencyDisplay: "narrowSymbol",
      minimumFractionDigits: 2,
      maximumFractionDigits: 2,
    }),
);

function memoised<T>(make: (lang: Lang) => T): (lang: Lang) => T {
  const made = new Map<Lang, T>();
  return (lang) => {
    const known = made.get(lang) ?? make(lang);
    made.set(lang, known);
    return known;
  };
}

/** "5 minutes ago", or "5 min ago" where there is little room. `at` is a time of the item; `now` in milliseconds. */
export function formatRelative(
  at: string,
  now: number,
  lang: Lang,
  style: "long" | "narrow" = "long",
): string {
  const seconds = (Date.parse(at) - now) / 1000;
  // Clocks differ a little; nothing has happened in the future.
  const past = Math.min(0, seconds);
  const format = style === "long" ? relative(lang) : narrow(lang);
  for (const [unit, length] of UNITS)
    if (-past >= length) return format.format(-Math.floor(-past / length), unit);
  return format.format(0, "second");
}

export function formatExact(at: string, lang: Lang): string {
  return exact(lang).format(Date.parse(at));
}

const DURATION = {
  en: { d: "d", h: "h", m: "m", s: "s", gap: " " },
  zh: { d: "天", h: "时", m: "分", s: "秒", gap: "" },
} as const satisfies Record<Lang, Record<string, string>>;

/** The two largest parts: "1h 5m", "42s"; short ones with tenths, "8.5s", or as "917ms", unless the clock still runs. */
export function formatDuration(seconds: number, lang: Lang, runs = false): string {
  const { d, h, m, s, gap } = DURATION[lang];
  if (seconds > 0 && seconds < 0.9995 && !runs) return `${Math.max(1, Math.round(seconds * 1000))}ms`;
  if (seconds < 9.95 && !runs) return `${Number(Math.max(0, seconds).toFixed(1))}${s}`;
  const whole = runs ? Math.floor(seconds) : Math.round(seconds);
  if (whole < 60) return `${whole}${s}`;
  if (whole < 3600) return `${Math.floor(whole / 60)}${m}${gap}${whole % 60}${s}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}${h}${gap}${minutes % 60}${m}`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)}${d}${gap}${hours % 24}${h}`;
}

const UNTIL: Readonly<Record<Lang, (duration: string) => string>> = {
  en: (duration) => `in ${duration}`,
  zh: (duration) => `${duration}后`,
};

/** "in 2h 5m", of a time that is to come; of one that has passed, "now". */
export function formatUntil(at: string, now: number, lang: Lang): string {
  const seconds = Math.floor((Date.parse(at) - now) / 1000);
  return seconds > 0 ? UNTIL[lang](formatDuration(seconds, lang, true)) : relative(lang).format(0, "second");
}

export function formatNumber(value: number, lang: Lang): string {
  return numbers(lang).format(value);
}

/** "18.8K". */
export function formatCompact(value: number, lang: Lang): string {
  return compact(lang).format(value);
}

/** Of 1024: "6.1 KB". */
export function formatBytes(bytes: number, lang: Lang): string {
  if (bytes < 1024) return `${formatNumber(bytes, lang)} B`;
  if (bytes < 1024 ** 2) return `${formatNumber(bytes / 1024, lang)} KB`;
  if (bytes < 1024 ** 3) return `${formatNumber(bytes / 1024 ** 2, lang)} MB`;
  return `${formatNumber(bytes / 1024 ** 3, lang)} GB`;
}

/** A share, 0 … 1: "97.5%". */
export function formatPercent(share: number, lang: Lang): string {
  return percents(lang).format(share);
}

/** US dollars: "$1.20"; what is less than a cent as "<$0.01". */
export function formatCost(usd: number, lang: Lang): string {
  return usd > 0 && usd < 0.01 ? `<${dollars(lang).format(0.01)}` : dollars(lang).format(usd);
}
