import { Confirm } from "../../components/ui/dialog.tsx";
import { common } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { BuildFilter } from "../../lib/api.ts";
import { formatNumber } from "../../lib/format.ts";
import { ActionBar } from "./action-bar.tsx";
import { bulkMessages } from "./bulk-messages.ts";
import { useMatching } from "./matching.ts";

/** What can be done to all builds that match the filters, also to those that have not been read. */
export function MatchingBar({ filter, onClear }: { filter: BuildFilter | undefined; onClear: () => void }) {
  const t = useMessages(bulkMessages);
  const c = useMessages(common);
  const lang = useLang();
  const matching = useMatching(filter, onClear);
  const { question } = matching;
  const count = formatNumber(question?.count ?? 0, lang);
  const label = matching.counting
    ? t.counting
    : matching.running
      ? t.working(formatNumber(matching.done, lang), count)
      : t.allMatching;
  const action = question?.action ?? "pause";
  const isHard = action === "cancel" || action === "delete";
  const isOpen = question !== undefined && !matching.running;
  return (
    <>
      <ActionBar
        countOf={() => undefined}
        disabled={matching.counting || matching.running || filter === undefined}
        label={label}
        of={undefined}
        onAction={matching.begin}
        onClear={onClear}
      />
      <Confirm
        action={action === "cancel" ? c.cancelBuild : c[action]}
        danger={isHard}
        description={
          <>
            <p>{t.matchingText}</p>
            {isHard && (
              <p className="mt-2">{action === "delete" ? t.confirmDeleteText : t.confirmCancelText}</p>
            )}
          </>
        }
        onConfirm={matching.confirm}
        onOpenChange={(open) => !open && matching.close()}
        open={isOpen}
        title={t[`matching_${action}`](count)}
      />
    </>
  );
}
