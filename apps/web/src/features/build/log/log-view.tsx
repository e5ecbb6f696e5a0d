import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { cn } from "../../../lib/cn.ts";
import type { LogBuffer } from "./buffer.ts";
import { Line, SHOWN } from "./line.tsx";
import type { LineRange } from "./lines.ts";

/** Pixels of one row of text. */
const ROW = 20;
/** Lines that need no more than the usual height. */
const SHORT = 12;
/** As near to the end as counts as there, in pixels. */
const NEAR = 24;

export interface LogViewProps {
  buffer: LogBuffer;
  count: number;
  wrap: boolean;
  wanted: string;
  /** No more lines come: then a short log takes no more room than it needs. */
  over: boolean;
  /** The line that the search stands at. */
  at: number | undefined;
  following: boolean;
  onFollowing: (following: boolean) => void;
  label: string;
  /** The lines that the address names. */
  range: LineRange | undefined;
  /** Called with the number of a line, from 1, and whether the lines up to it are meant too. */
  onChoose: (line: number, more: boolean) => void;
  lineLabel: (line: number) => string;
  /** Whether each line says when it was written. */
  times: boolean;
}

/** Of a time and the blank after it: `12:00:05.123`. Columns. */
const TIME = 13;

/** The lines that can be seen, and a few around them, of a log of any length. */
export function LogView(props: LogViewProps) {
  const { buffer, count, wrap, wanted, at, following, onFollowing, label, over } = props;
  const { range, onChoose, lineLabel, times } = props;
  const isNamed = (index: number) => range !== undefined && index + 1 >= range.from && index < range.to;
  const scroller = useRef<HTMLDivElement>(null);
  const digits = Math.max(3, String(count).length);
  const columns = useColumns(scroller, digits + (times ? TIME : 0));
  const rowsOf = (index: number) => {
    if (!wrap || columns === undefined) return 1;
    return Math.max(1, Math.ceil(Math.min(buffer.columnsAt(index), SHOWN) / columns));
  };
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => rowsOf(index) * ROW,
    overscan: 12,
  });

  // Another width or way to wrap: every row has another height.
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are the occasions
  useLayoutEffect(() => {
    virtual.measure();
  }, [virtual, wrap, columns]);

  // Where it stood when it was last looked at. Only who goes up from there leaves the end: that the end went away from
  // here, with new lines or with rows that turn out to be higher, is not the reader's doing.
  const top = useRef(0);
  const height = virtual.getTotalSize();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another height is the occasion
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!following || !element || hasLeft(element, top.current)) return;
    element.scrollTop = element.scrollHeight;
    top.current = element.scrollTop;
  }, [following, height]);

  useEffect(() => {
    if (at !== undefined) virtual.scrollToIndex(at, { align: "center" });
  }, [virtual, at]);

  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    // A scroll upwards begins near the end: only who comes down to the end follows it again.
    const changes = following
      ? hasLeft(element, top.current)
      : isAtEnd(element) && element.scrollTop > top.current;
    top.current = element.scrollTop;
    if (changes) onFollowing(!following);
  };
  const gutter = `${digits + 2}ch`;
  const width = wrap
    ? undefined
    : `calc(${Math.min(buffer.columns, SHOWN) + digits + 6 + (times ? TIME : 0)}ch)`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a region that scrolls
    <div
      aria-label={label}
      className={cn(
        "in-data-full:h-auto in-data-full:max-h-none max-h-[70dvh] in-data-full:flex-1 in-data-full:basis-0 overflow-auto bg-log py-2 font-mono text-log-ink text-xs leading-5 [overflow-anchor:none] focus-visible:outline-offset-[-2px]",
        over && count < SHORT ? "min-h-28" : "h-[28rem]",
      )}
      data-testid="log"
      // A key or a wheel scrolls little by little, and a line that comes meanwhile would take the reader back.
      onKeyDown={({ key }) => {
        if (following && UPWARDS.includes(key)) onFollowing(false);
      }}
      onScroll={scrolled}
      onWheel={({ deltaY, currentTarget }) => {
        if (following && deltaY < 0 && currentTarget.scrollTop > 0) onFollowing(false);
      }}
      ref={scroller}
      role="region"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
    >
      <div className="relative min-w-full" style={{ height, ...(width && { width }) }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div
            className={cn(
              "absolute top-0 left-0 flex w-full",
              (at === index || isNamed(index)) && "bg-log-here",
            )}
            data-index={index}
            key={index}
            // The height of the others is known without looking.
            ref={wrap && !buffer.isEven(index) ? virtual.measureElement : undefined}
            style={{ transform: `translateY(${start}px)` }}
          >
            <button
              aria-label={lineLabel(index + 1)}
              className="sticky left-0 shrink-0 cursor-pointer select-none self-start bg-log pr-[1ch] text-right text-log-ink-3 tabular hover:text-log-ink"
              onClick={(event) => onChoose(index + 1, event.shiftKey)}
              style={{ width: gutter }}
              // There are thousands: by the keyboard a line is found by the search, and linked to from the menu.
              tabIndex={-1}
              type="button"
            >
              {index + 1}
            </button>
            {times && (
              <span
                className="shrink-0 select-none text-log-ink-3 tabular"
                style={{ width: `${TIME}ch` }}
                title={buffer.timeAt(index)}
              >
                {clockOf(buffer.timeAt(index))}
              </span>
            )}
            <span
              className={cn(
                buffer.isStderr(index) && "shadow-[-2px_0_0_var(--log-error)]",
                "min-h-5 min-w-0 flex-1 pl-[1ch] [tab-size:8]",
                wrap ? "whitespace-break-spaces pr-[1ch] [word-break:break-all]" : "whitespace-pre",
              )}
            >
              <Line
                carried={buffer.carried(index)}
                here={at === index}
                raw={buffer.raw(index)}
                wanted={wanted}
              />
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}

/** `12:00:05.123` where the reader is. */
function clockOf(at: string | undefined): string {
  if (at === undefined) return "";
  const time = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const ms = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`;
}

const UPWARDS = ["Home", "PageUp", "ArrowUp"];

/** Whether the reader went up from where it stood. A log that became shorter moves it up too, but leaves it at the end. */
function hasLeft(element: HTMLElement, top: number): boolean {
  return element.scrollTop < top && !isAtEnd(element);
}

function isAtEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight <= NEAR;
}

/** How many columns of text fit beside the line numbers. */
function useColumns(scroller: RefObject<HTMLDivElement | null>, digits: number): number | undefined {
  const [columns, setColumns] = useState<number>();
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const width = characterWidth(element);
      if (width > 0) setColumns(Math.max(10, Math.floor(element.clientWidth / width) - digits - 4));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller, digits]);
  return columns;
}

function characterWidth(element: HTMLElement): number {
  const probe = document.createElement("span");
  probe.textContent = "0".repeat(100);
  probe.style.position = "absolute";
  probe.style.visibility = "hidden";
  element.append(probe);
  const { width } = probe.getBoundingClientRect();
  probe.remove();
  return width / 100;
}
