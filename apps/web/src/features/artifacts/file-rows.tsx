import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { ChevronRight, File as FileIcon, Folder as FolderIcon } from "lucide-react";
import { useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import { useLang } from "../../i18n/lang.ts";
import { cn } from "../../lib/cn.ts";
import { formatBytes, formatNumber } from "../../lib/format.ts";
import { useMedia } from "../../lib/use-media.ts";
import { type Artifact, keyOf, nameOf } from "./model/artifact.ts";
import { type Entry, type Folder, type Row, rowsOf } from "./model/tree.ts";
import { useFileKeys } from "./use-file-keys.ts";

/** Pixels; a finger needs more. */
const ROW = 28;
const ROW_TOUCH = 44;
const INDENT = 16;

export interface FileRowsProps {
  /** A tree, or files alone. */
  entries: readonly Entry[];
  /** Files by their whole path. */
  flat?: boolean;
  chosen: Artifact | undefined;
  onChoose: (artifact: Artifact) => void;
  /** What tells an artifact from others of the same path. */
  hintOf?: (artifact: Artifact) => string | undefined;
  label: string;
  className?: string;
  /** Whether a file that was chosen elsewhere is brought into sight. */
  reveals?: boolean;
}

/** Files, and folders that open and close: of thousands only what can be seen is there. */
export function FileRows({
  entries,
  flat = false,
  chosen,
  onChoose,
  hintOf,
  label,
  className,
  reveals = false,
}: FileRowsProps) {
  const scroller = useRef<HTMLElement>(null);
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  const [reached, setReached] = useState(0);
  const height = useMedia("(pointer: coarse)") ? ROW_TOUCH : ROW;
  const rows = useMemo(() => rowsOf(entries, turned), [entries, turned]);
  const at = Math.min(reached, Math.max(0, rows.length - 1));
  const virtual = useVirtualizer<HTMLElement, Element>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
    // The row that Tab comes to is there wherever the list was scrolled to.
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), at])].sort((a, b) => a - b),
  });
  const turn = ({ entry }: Row) => {
    if (entry.kind !== "folder") return;
    setTurned((now) =>
      now.has(entry.path)
        ? new Set([...now].filter((it) => it !== entry.path))
        : new Set([...now, entry.path]),
    );
  };
  // A file that an address names is brought into sight, once: the folders around it open.
  const chosenKey = chosen && keyOf(chosen);
  const chosenAt = rows.findIndex(
    ({ entry }) => entry.kind === "file" && keyOf(entry.artifact) === chosenKey,
  );
  const closedAround = rows.find(
    ({ entry, open }) => entry.kind === "folder" && !open && chosen?.path.startsWith(`${entry.path}/`),
  );
  const shown = useRef<string>(undefined);
  const show = useEffectEvent(() => {
    if (closedAround) return turn(closedAround);
    if (chosenAt < 0) return;
    shown.current = chosenKey;
    virtual.scrollToIndex(chosenAt);
    setReached(chosenAt);
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever what is there changes
  useEffect(() => {
    if (reveals && chosenKey !== undefined && shown.current !== chosenKey) show();
  }, [reveals, chosenKey, chosenAt, closedAround]);
  const onKeyDown = useFileKeys({ rows, at, onMove: setReached, onTurn: turn, virtual });
  return (
    <nav
      aria-label={label}
      className={cn("overflow-y-auto", className)}
      onKeyDown={onKeyDown}
      ref={scroller}
      // Its rows have the one stop of Tab.
      tabIndex={-1}
    >
      <ul className="relative" style={{ height: rows.length * height }}>
        {virtual.getVirtualItems().map(({ index }) => {
          const row = rows[index];
          if (!row) return null;
          const { entry, depth } = row;
          const here =
            entry.kind === "file" && chosen !== undefined && keyOf(chosen) === keyOf(entry.artifact);
          return (
            <li
              aria-posinset={index + 1}
              aria-setsize={rows.length}
              className="absolute inset-x-0 top-0"
              key={entry.kind === "folder" ? `${entry.path}/` : keyOf(entry.artifact)}
              style={{ transform: `translateY(${index * height}px)` }}
            >
              <button
                aria-current={here ? "true" : undefined}
                aria-expanded={entry.kind === "folder" ? row.open : undefined}
                className={cn(
                  "flex w-full min-w-0 items-center gap-1.5 rounded-md px-2 text-left text-sm outline-offset-[-2px] hover:bg-hover",
                  here && "bg-selected",
                )}
                data-row={index}
                onClick={() => {
                  setReached(index);
                  if (entry.kind === "folder") turn(row);
                  else onChoose(entry.artifact);
                }}
                onFocus={() => setReached(index)}
                style={{ height, paddingLeft: 8 + depth * INDENT }}
                tabIndex={index === at ? 0 : -1}
                title={entry.kind === "folder" ? entry.path : entry.artifact.path}
                type="button"
              >
                {entry.kind === "folder" ? (
                  <FolderText folder={entry} open={row.open} />
                ) : (
                  <FileText artifact={entry.artifact} flat={flat} hint={hintOf?.(entry.artifact)} />
                )}
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function FolderText({ folder, open }: { folder: Folder; open: boolean }) {
  const lang = useLang();
  return (
    <>
      <ChevronRight
        aria-hidden
        className={cn("size-3.5 shrink-0 text-ink-3 transition-transform", open && "rotate-90")}
      />
      <FolderIcon aria-hidden className="size-4 shrink-0 text-ink-3" />
      <span className="min-w-0 truncate">{folder.name}</span>
      <span className="tabular ml-auto shrink-0 text-ink-3 text-xs">{formatNumber(folder.files, lang)}</span>
    </>
  );
}

function FileText({ artifact, flat, hint }: { artifact: Artifact; flat: boolean; hint: string | undefined }) {
  const lang = useLang();
  return (
    <>
      <FileIcon aria-hidden className="size-4 shrink-0 text-ink-3" />
      <span className="min-w-0 truncate">{flat ? artifact.path : nameOf(artifact.path)}</span>
      {hint !== undefined && <span className="min-w-0 shrink-2 truncate text-ink-3 text-xs">{hint}</span>}
      <span className="tabular ml-auto shrink-0 text-ink-3 text-xs">
        {artifact.size !== undefined && formatBytes(artifact.size, lang)}
      </span>
    </>
  );
}
