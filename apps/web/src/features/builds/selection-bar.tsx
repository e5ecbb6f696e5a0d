import { CirclePause, CirclePlay, CircleSlash, type LucideIcon, RotateCcw, Trash2, X } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { Confirm } from "../../components/ui/dialog.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import type { ProjectSummary } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { useShortcut } from "../../lib/shortcuts.ts";
import { BULK_ACTIONS, type BulkAction, needsQuestion, possible, useBulk } from "./bulk.ts";
import { messages } from "./messages.ts";

const ICONS: Readonly<Record<BulkAction, LucideIcon>> = {
  pause: CirclePause,
  resume: CirclePlay,
  retry: RotateCcw,
  cancel: CircleSlash,
  delete: Trash2,
};

/** What can be done to all selected builds. It lies over the list, so that nothing jumps. */
export function SelectionBar({
  builds,
  onClear,
}: {
  builds: readonly ProjectSummary[];
  onClear: () => void;
}) {
  const t = useMessages(messages);
  const [question, setQuestion] = useState<"cancel" | "delete">();
  const bulk = useBulk(onClear);
  const bar = useRef<HTMLElement>(null);
  useShortcut(".", () => bar.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus());
  const begin = (action: BulkAction) => {
    if (bulk.running || possible(action, builds).length === 0) return;
    if (needsQuestion(action)) setQuestion(action);
    else bulk.run(action, possible(action, builds));
  };
  useShortcut("p", () => begin("pause"));
  useShortcut("s", () => begin("resume"));
  useShortcut("r", () => begin("retry"));
  useShortcut("!", () => begin("cancel"));
  useShortcut("#", () => begin("delete"));
  return (
    <section
      aria-label={t.selectionBar}
      ref={bar}
      className="fixed inset-x-2 bottom-3 max-sm:bottom-17 z-20 mx-auto flex w-fit max-w-full flex-wrap items-center justify-center gap-1 rounded-xl border border-line bg-raised px-2 py-1.5 shadow-pop"
    >
      <span aria-live="polite" className="px-2 font-medium text-sm max-sm:px-1">
        {t.selected(builds.length)}
      </span>
      {BULK_ACTIONS.map((action) => (
        <ActionButton
          action={action}
          count={possible(action, builds).length}
          disabled={bulk.running}
          key={action}
          of={builds.length}
          onClick={() => begin(action)}
        />
      ))}
      <Button aria-label={t.clearSelection} look="ghost" onClick={onClear} size="icon">
        <X aria-hidden className="size-4" />
      </Button>
      <Question
        action={question}
        builds={question ? possible(question, builds) : []}
        onClose={() => setQuestion(undefined)}
        onConfirm={(action, which) => bulk.run(action, which)}
      />
    </section>
  );
}

interface ActionButtonProps {
  action: BulkAction;
  /** Builds that it is possible for, and all that are selected. */
  count: number;
  of: number;
  disabled: boolean;
  onClick: () => void;
}

function ActionButton({ action, count, of, disabled, onClick }: ActionButtonProps) {
  const c = useMessages(common);
  const Icon = ICONS[action];
  return (
    <Button
      aria-label={action === "cancel" ? c.cancelBuild : c[action]}
      className={cn("max-sm:px-2", action === "delete" && "text-bad")}
      disabled={disabled || count === 0}
      look="ghost"
      onClick={onClick}
    >
      <Icon aria-hidden className="size-4" />
      <span className="max-sm:sr-only">
        {c[action]}
        {count > 0 && count < of && <span className="tabular ml-1 text-ink-3">{count}</span>}
      </span>
    </Button>
  );
}

interface QuestionProps {
  action: "cancel" | "delete" | undefined;
  builds: readonly ProjectSummary[];
  onClose: () => void;
  onConfirm: (action: "cancel" | "delete", builds: readonly ProjectSummary[]) => void;
}

const NAMED = 5;

function Question({ action, builds, onClose, onConfirm }: QuestionProps) {
  const t = useMessages(messages);
  const n = builds.length;
  const isDelete = action === "delete";
  return (
    <Confirm
      action={isDelete ? t.deleteN(n) : t.cancelN(n)}
      description={
        <>
          <p>{isDelete ? t.confirmDeleteText : t.confirmCancelText}</p>
          <ul className="mt-3 list-disc pl-5 text-sm">
            {builds.slice(0, NAMED).map(({ project_id, project_name }) => (
              <li className="truncate" key={project_id}>
                {project_name}
              </li>
            ))}
            {n > NAMED && <li>{t.andMore(n - NAMED)}</li>}
          </ul>
        </>
      }
      onConfirm={() => action && onConfirm(action, builds)}
      onOpenChange={(open) => !open && onClose()}
      open={action !== undefined}
      title={isDelete ? t.confirmDelete(n) : t.confirmCancel(n)}
    />
  );
}
