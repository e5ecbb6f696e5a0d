import type { Lang } from "../../../i18n/define-messages.ts";
import { formatDuration } from "../../../lib/format.ts";

/** As everywhere, but in milliseconds where tenths of a second would say nothing: "34ms". */
export function shortDuration(seconds: number, lang: Lang): string {
  return seconds > 0 && seconds < 0.95 ? `${Math.round(seconds * 1000)}ms` : formatDuration(seconds, lang);
}
