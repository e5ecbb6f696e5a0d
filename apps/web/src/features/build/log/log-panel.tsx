import { ArrowDownToLine, CircleAlert, Clock, Download, Maximize2, Minimize2, WrapText } from "lucide-react";
import { type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { ErrorState } from "../../../components/ui/error-state.tsx";
import { Tooltip } from "../../../components/ui/tooltip.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { formatNumber } from "../../../lib/format.ts";
import { isOneOf } from "../../../lib/one-of.ts";
import { preference, usePreference } from "../../../lib/preference.ts";
import { saveBlob } from "../../../lib/save.ts";
import { useShortcut } from "../../../lib/shortcuts.ts";
import type { LogBuffer } from "./buffer.ts";
import { chosen, type LineRange, rangeIn, rangeText } from "./lines.ts";
import { LogMenu } from "./log-menu.tsx";
import { LogView } from "./log-view.tsx";
import { logMessages } from "./messages.ts";
import { SearchBar } from "./search-bar.tsx";
import { throttled } from "./throttle.ts";
import { type Log, type LogRef, useLog } from "./use-log.ts";

const timing = preference("log.times", isOneOf(["on", "off"]), () => "off");
const wrapping = preference("log.wrap", isOneOf(["on", "off"]), () => "on");

export interface LogPanelProps extends LogRef {
  /** Whether the end says most: the stage runs, or failed. */
  fromEnd: boolean;
  /** Of a downloaded file, without its ending. */
  fileName: string;
  /** What the address names of it: `L120`, `L120-L140`, or `error`. */
  line: string | undefined;
  onLine: (line: string | undefined) => void;
  /** Beside the search, such as a choice of the attempt. */
  children?: ReactNode;
}

/** The log of one attempt: it follows the end until one scrolls up. */
export function LogPanel({ fromEnd, fileName, line, onLine, children, ...ref }: LogPanelProps) {
  const t = useMessages(logMessages);
  const log = useLog(ref);
  const { buffer } = log;
  const count = useCount(buffer);
  const wrap = usePreference(wrapping) === "on";
  const times = usePreference(timing) === "on" && buffer.hasTimes;
  const [following, setFollowing] = useState(fromEnd && line === undefined);
  const [whole, setWhole] = useState(false);
  const search = useSearch(log, count);
  const errors = useErrors(log, count);
  const field = useRef<HTMLInputElement>(null);
  useShortcut("/", () => field.current?.focus());
  const range = rangeOf(line, errors.lines);
  useShortcut("e", () => errors.step(onLine, range));
  useShortcut("Escape", () => setWhole(false), { disabled: !whole });
  // Who goes to a match or a line reads there, whatever comes at the end.
  const at = search.line ?? (range && range.from <= count ? range.from - 1 : undefined);
  useEffect(() => {
    if (at !== undefined) setFollowing(false);
  }, [at]);

  if (log.error !== undefined) return <ErrorState error={log.error} />;
  return (
    <div
      className={cn(
        "overflow-hidden rounded-lg border border-line in-data-full:flex in-data-full:min-h-80 in-data-full:flex-1 in-data-full:flex-col",
        whole && "fixed inset-0 z-40 flex flex-col rounded-none border-0 bg-surface",
      )}
      {...(whole && { "data-full": "" })}
    >
      <div className="flex shrink-0 flex-wrap items-center gap-x-2 gap-y-1.5 border-line border-b bg-surface px-2 py-1.5">
        {children}
        <SearchBar
          at={search.at}
          field={field}
          matches={search.matches.length}
          onStep={search.step}
          onText={search.setText}
          text={search.text}
        />
        <Standing count={count} log={log} />
        <div className="flex items-center">
          {errors.lines.length > 0 && (
            <Tooltip content={`${t.nextError} (e)`}>
              <Button className="gap-1 px-2 text-bad" look="ghost" onClick={() => errors.step(onLine, range)}>
                <CircleAlert aria-hidden className="size-4" />
                <span className="sr-only">{t.nextError}</span>
                <span className="tabular text-xs">{errors.lines.length}</span>
              </Button>
            </Tooltip>
          )}
          {buffer.hasTimes && (
            <Toggle label={t.times} on={times} onClick={() => timing.set(times ? "off" : "on")}>
              <Clock aria-hidden className="size-4" />
            </Toggle>
          )}
          <Toggle label={t.wrap} on={wrap} onClick={() => wrapping.set(wrap ? "off" : "on")}>
            <WrapText aria-hidden className="size-4" />
          </Toggle>
          <Toggle label={t.follow} on={following} onClick={() => setFollowing(!following)}>
            <ArrowDownToLine aria-hidden className="size-4" />
          </Toggle>
          <Toggle label={t.whole} on={whole} onClick={() => setWhole(!whole)}>
            {whole ? (
              <Minimize2 aria-hidden className="size-4" />
            ) : (
              <Maximize2 aria-hidden className="size-4" />
            )}
          </Toggle>
          <Tooltip content={t.download}>
            <Button
              aria-label={t.download}
              disabled={count === 0 || log.state === "reading"}
              focusableWhenDisabled
              look="ghost"
              onClick={() => saveBlob(new Blob(buffer.parts(), { type: "text/plain" }), `${fileName}.log`)}
              size="tool"
            >
              <Download aria-hidden className="size-4" />
            </Button>
          </Tooltip>
          <LogMenu
            buffer={buffer}
            onLine={onLine}
            range={range ?? (at === undefined ? undefined : { from: at + 1, to: at + 1 })}
          />
        </div>
      </div>
      {count === 0 && log.state !== "reading" ? (
        <p className="grid h-48 place-items-center bg-log text-log-ink-2 text-sm in-data-full:flex-1">
          {log.state === "over" ? t.empty : t.nothingYet}
        </p>
      ) : (
        <LogView
          at={at}
          buffer={buffer}
          count={count}
          following={following}
          key={`${ref.stage} ${ref.attempt}`}
          label={t.log}
          lineLabel={t.lineNumber}
          onChoose={(number, more) => onLine(rangeText(chosen(range, number, more)))}
          onFollowing={setFollowing}
          over={log.state === "over"}
          range={range}
          times={times}
          wanted={search.wanted}
          wrap={wrap}
        />
      )}
    </div>
  );
}

function rangeOf(line: string | undefined, errors: readonly number[]): LineRange | undefined {
  const last = errors.at(-1);
  if (line === "error") return last === undefined ? undefined : { from: last + 1, to: last + 1 };
  return rangeIn(line);
}

/** A long log comes in many pages: drawing each would take longer than reading it. Milliseconds. */
const DRAW_MS = 120;

function useCount(buffer: LogBuffer): number {
  const [seen, setSeen] = useState({ buffer, count: buffer.length });
  useEffect(() => {
    const see = () => setSeen({ buffer, count: buffer.length });
    see();
    return throttled(buffer.subscribe, DRAW_MS)(see);
  }, [buffer]);
  return seen.buffer === buffer ? seen.count : 0;
}

function useSearch({ buffer }: Log, count: number) {
  const [text, setText] = useState("");
  const [step, setStep] = useState<number>();
  // Typing goes before searching: a long log takes a moment.
  const wanted = useDeferredValue(text);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the buffer grows in place
  const matches = useMemo(() => buffer.find(wanted), [buffer, wanted, count]);
  const at = matches.length === 0 ? 0 : (((step ?? 0) % matches.length) + matches.length) % matches.length;
  return {
    text,
    wanted,
    matches,
    at,
    line: wanted === "" ? undefined : matches[at],
    setText: (next: string) => {
      setText(next);
      setStep(undefined);
    },
    step: (by: 1 | -1) =>
      setStep(step === undefined && by === 1 && matches.length === 0 ? undefined : at + by),
  };
}

/** Lines that tell of an error, from 0, and the way from one to the next. */
function useErrors({ buffer }: Log, count: number) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the buffer grows in place
  const lines = useMemo(() => [...buffer.errors], [buffer, count]);
  return {
    lines,
    step: (onLine: (line: string) => void, range: LineRange | undefined) => {
      const next = lines.find((line) => range !== undefined && line + 1 > range.to) ?? lines[0];
      if (next !== undefined) onLine(`L${next + 1}`);
    },
  };
}

/** How many lines there are, and whether more come. */
function Standing({ log, count }: { log: Log; count: number }) {
  const t = useMessages(logMessages);
  const lang = useLang();
  const lines = formatNumber(count, lang);
  const texts = {
    reading: t.reading(lines),
    following: t.following,
    away: t.away,
    over: count === 1 ? t.oneLine : t.lines(lines),
  } satisfies Record<Log["state"], string>;
  return (
    <span
      className="flex items-center gap-1.5 whitespace-nowrap text-ink-2 text-xs tabular"
      data-log-state={log.state}
    >
      {log.state === "following" && (
        <span aria-hidden className="size-1.5 animate-pulse rounded-full bg-info" />
      )}
      {texts[log.state]}
    </span>
  );
}

interface ToggleProps {
  label: string;
  on: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Toggle({ label, on, onClick, children }: ToggleProps) {
  return (
    <Tooltip content={label}>
      <Button
        aria-label={label}
        aria-pressed={on}
        className={cn(on && "bg-selected text-accent")}
        look="ghost"
        onClick={onClick}
        size="tool"
      >
        {children}
      </Button>
    </Tooltip>
  );
}
