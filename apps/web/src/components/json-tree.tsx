import { ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import { defineMessages } from "../i18n/define-messages.ts";
import { useMessages } from "../i18n/lang.ts";
import { cn } from "../lib/cn.ts";

const messages = defineMessages({
  en: {
    items: (n: number) => (n === 1 ? "1 item" : `${n} items`),
    fields: (n: number) => (n === 1 ? "1 field" : `${n} fields`),
    showMore: (n: number) => `Show ${n} more`,
    emptyText: "empty text",
  },
  zh: {
    items: (n) => `${n} 项`,
    fields: (n) => `${n} 个字段`,
    showMore: (n) => `再显示 ${n} 项`,
    emptyText: "空文本",
  },
});

/** So many entries are shown at once; the rest when asked for. */
const STEP = 100;
/** Deeper levels begin closed. */
const OPEN_LEVELS = 2;

/** Any JSON value as a tree that opens and closes. All of it is shown as text. */
export function JsonTree({ value }: { value: unknown }) {
  return (
    <div
      className="overflow-x-auto rounded-lg border border-line bg-surface p-3 font-mono text-xs leading-6"
      data-testid="json-tree"
    >
      {isNested(value) ? <Entries level={0} value={value} /> : <Scalar value={value} />}
    </div>
  );
}

function Entries({ value, level }: { value: object; level: number }) {
  const t = useMessages(messages);
  const [shown, setShown] = useState(STEP);
  const entries = Object.entries(value);
  const rest = entries.length - shown;
  return (
    <ul className={cn(level > 0 && "ml-2 border-line border-l pl-3")}>
      {entries.slice(0, shown).map(([key, inner]) => (
        <li key={key}>
          <Entry inner={inner} level={level} name={key} plainName={Array.isArray(value)} />
        </li>
      ))}
      {rest > 0 && (
        <li>
          <button
            className="text-accent hover:underline"
            onClick={() => setShown(shown + STEP)}
            type="button"
          >
            {t.showMore(Math.min(rest, STEP))}
          </button>
        </li>
      )}
    </ul>
  );
}

function Entry(props: { name: string; inner: unknown; level: number; plainName: boolean }) {
  const { name, inner, level, plainName } = props;
  const [open, setOpen] = useState(level < OPEN_LEVELS - 1);
  const id = useId();
  const label = <span className={plainName ? "text-ink-3" : "text-info"}>{name}</span>;
  if (!isNested(inner) || Object.keys(inner).length === 0)
    return (
      <div className="flex gap-2 pl-4">
        {label}
        <Scalar value={inner} />
      </div>
    );
  return (
    <>
      <button
        aria-controls={id}
        aria-expanded={open}
        className="-ml-0.5 flex items-center gap-1 rounded max-sm:min-h-11 hover:bg-hover"
        onClick={() => setOpen(!open)}
        type="button"
      >
        <ChevronRight
          aria-hidden
          className={cn("size-3.5 text-ink-3 transition-transform", open && "rotate-90")}
        />
        {label}
        <Count value={inner} />
      </button>
      <div hidden={!open} id={id}>
        {open && <Entries level={level + 1} value={inner} />}
      </div>
    </>
  );
}

function Count({ value }: { value: object }) {
  const t = useMessages(messages);
  const count = Object.keys(value).length;
  return <span className="ml-1 text-ink-3">{Array.isArray(value) ? t.items(count) : t.fields(count)}</span>;
}

function Scalar({ value }: { value: unknown }) {
  const t = useMessages(messages);
  if (value === "") return <span className="text-ink-3 italic">{t.emptyText}</span>;
  if (typeof value === "string")
    return (
      <span className="min-w-0 whitespace-pre-wrap break-words text-good [overflow-wrap:anywhere]">
        {value}
      </span>
    );
  if (isNested(value)) return <span className="text-ink-3">{Array.isArray(value) ? "[]" : "{}"}</span>;
  return <span className="text-warn">{String(value)}</span>;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
