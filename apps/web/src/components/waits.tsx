import { common } from "../i18n/common.ts";
import { useLang, useMessages } from "../i18n/lang.ts";
import { formatDuration, formatNumber } from "../lib/format.ts";
import type { WaitReason } from "../lib/wait.ts";

/** Why a build in the queue waits, in words. `now`: milliseconds. */
export function Waits({ reason, now }: { reason: WaitReason; now: number }) {
  const c = useMessages(common);
  const lang = useLang();
  const until = (atMs: number) => formatDuration(Math.max(0, Math.ceil((atMs - now) / 1000)), lang, true);
  switch (reason.kind) {
    case "start":
      return c.startsIn(until(reason.atMs));
    case "retry":
      return c.triesAgainIn(until(reason.atMs));
    case "program":
      return c.waitsProgram;
    case "no worker":
      return c.waitsNoWorker;
    case "pipeline":
      return c.waitsPipeline(formatNumber(reason.most, lang));
    case "slots":
      return c.waitsSlots(formatNumber(reason.slots, lang));
    case "soon":
      return c.waitsWorker;
    default:
      return reason satisfies never;
  }
}
