import { CirclePause, CirclePlay, CircleSlash, type LucideIcon, RotateCcw, Trash2, X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { Button } from "../../components/ui/button.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { cn } from "../../lib/cn.ts";
import { useShortcut } from "../../lib/shortcuts.ts";
import { BULK_ACTIONS, type BulkAction } from "./bulk.ts";
import { bulkMessages } from "./bulk-messages.ts";

const ICONS: Readonly<Record<BulkAction, LucideIcon>> = {
  pause: CirclePause,
  resume: CirclePlay,
  retry: RotateCcw,
  cancel: CircleSlash,
  delete: Trash2,
};

export interface ActionBarProps {
  /** How many are selected, in words. */
  label: string;
  /** Builds that an action is possible for, where that is known; the others are not shown beside its name. */
  countOf: (action: BulkAction) => number | undefined;
  of: number | undefined;
  onAction: (action: BulkAction) => void;
  onClear: () => void;
  disabled: boolean;
  /** Beside the label. */
  children?: ReactNode;
}

/** What can be done to what is selected. It lies over the list, so that nothing jumps. */
export function ActionBar({ label, countOf, of, onAction, onClear, disabled, children }: ActionBarProps) {
  const t = useMessages(bulkMessages);
  const bar = useRef<HTMLElement>(null);
  const begin = (action: BulkAction) => {
    if (!disabled && countOf(action) !== 0) onAction(action);
  };
  useShortcut(".", () => bar.current?.querySelector<HTMLElement>("a, button:not(:disabled)")?.focus());
  useShortcut("p", () => begin("pause"));
  useShortcut("s", () => begin("resume"));
  useShortcut("r", () => begin("retry"));
  useShortcut("!", () => begin("cancel"));
  useShortcut("#", () => begin("delete"));
  return (
    <section
      aria-label={t.selectionBar}
      className="fixed inset-x-2 bottom-3 z-20 mx-auto flex w-fit max-w-full flex-wrap items-center justify-center gap-1 rounded-xl max-sm:gap-0.5 border border-line bg-raised px-2 py-1.5 shadow-pop max-sm:bottom-17"
      ref={bar}
    >
      <span aria-live="polite" className="px-2 font-medium text-sm max-sm:px-1">
        {label}
      </span>
      {children}
      {BULK_ACTIONS.map((action) => (
        <ActionButton
          action={action}
          count={countOf(action)}
          disabled={disabled}
          key={action}
          of={of}
          onClick={() => begin(action)}
        />
      ))}
      <Button
        aria-label={t.clearSelection}
        className="max-sm:w-9!"
        look="ghost"
        onClick={onClear}
        size="icon"
      >
        <X aria-hidden className="size-4" />
      </Button>
    </section>
  );
}

interface ActionButtonProps {
  action: BulkAction;
  /** Builds that it is possible for, and all that are selected. */
  count: number | undefined;
  of: number | undefined;
  disabled: boolean;
  onClick: () => void;
}

function ActionButton({ action, count, of, disabled, onClick }: ActionButtonProps) {
  const c = useMessages(common);
  const Icon = ICONS[action];
  const isPart = count !== undefined && of !== undefined && count > 0 && count < of;
  return (
    <Button
      aria-label={action === "cancel" ? c.cancelBuild : c[action]}
      className={cn("max-sm:w-9 max-sm:px-0", action === "delete" && "text-bad")}
      disabled={disabled || count === 0}
      look="ghost"
      onClick={onClick}
    >
      <Icon aria-hidden className="size-4" />
      <span className="max-sm:sr-only">
        {c[action]}
        {isPart && <span className="tabular ml-1 text-ink-3">{count}</span>}
      </span>
    </Button>
  );
}
