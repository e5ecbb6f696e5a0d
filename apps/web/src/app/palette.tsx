import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useDeferredValue, useId, useState } from "react";
import { StatusIcon } from "../components/status.tsx";
import { Dialog } from "../components/ui/dialog.tsx";
import { TextInput } from "../components/ui/field.tsx";
import { useMessages } from "../i18n/lang.ts";
import { type ProjectSummary, useApi } from "../lib/api.ts";
import { cn } from "../lib/cn.ts";
import { cutUtf8, SEARCH_BYTES } from "../lib/cut-utf8.ts";
import { isForInputMethod } from "../lib/ime.ts";
import { messages } from "./messages.ts";

export interface PaletteEntry {
  readonly name: string;
  readonly go: () => void;
}

export interface PaletteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Pages and actions. */
  entries: readonly PaletteEntry[];
}

/** So many builds are offered. */
const BUILDS = 8;
/** Every page, action and build by a few letters of its name. */
export function Palette({ open, onOpenChange, entries }: PaletteProps) {
  const t = useMessages(messages);
  return (
    <Dialog onOpenChange={onOpenChange} open={open} title={t.palette}>
      <Chooser entries={entries} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Chooser({ entries, onDone }: { entries: readonly PaletteEntry[]; onDone: () => void }) {
  const t = useMessages(messages);
  const navigate = useNavigate();
  const list = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const builds = useBuildsNamed(useDeferredValue(text.trim()));
  const found: (PaletteEntry & { build?: ProjectSummary })[] = [
    ...entries.filter(({ name }) => name.toLowerCase().includes(text.trim().toLowerCase())),
    ...builds.map((build) => ({
      name: build.project_name.trim() || build.project_id,
      build,
      go: () => void navigate({ to: "/builds/$projectId", params: { projectId: build.project_id } }),
    })),
  ];
  const here = Math.min(at, found.length - 1);
  const choose = (entry: PaletteEntry | undefined) => {
    if (!entry) return;
    onDone();
    entry.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isForInputMethod(event)) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by !== undefined && found.length > 0) {
      event.preventDefault();
      setAt((here + by + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(found[here]);
    }
  };
  return (
    <div className="grid gap-2">
      <TextInput
        aria-activedescendant={found[here] ? `${list}-${here}` : undefined}
        aria-autocomplete="list"
        aria-controls={list}
        aria-expanded={found.length > 0}
        aria-label={t.paletteField}
        autoComplete="off"
        maxLength={SEARCH_BYTES}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        placeholder={t.paletteField}
        role="combobox"
        value={text}
      />
      <div aria-label={t.palette} className="max-h-80 overflow-y-auto" id={list} role="listbox">
        {found.map((entry, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus
          <div
            aria-selected={i === here}
            className={cn(
              "flex cursor-pointer items-center gap-2 rounded-md px-2 py-2 text-sm hover:bg-hover max-sm:min-h-11",
              i === here && "bg-hover",
            )}
            id={`${list}-${i}`}
            key={entry.build?.project_id ?? entry.name}
            onClick={() => choose(entry)}
            role="option"
          >
            {entry.build && <StatusIcon status={entry.build.status} />}
            <span className="min-w-0 flex-1 truncate">{entry.name}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="px-2 text-ink-2 text-sm">{t.paletteNone}</p>}
    </div>
  );
}

/** Builds with this in their name, id or requirement, the newest first; nothing is asked without a text. */
function useBuildsNamed(text: string): readonly ProjectSummary[] {
  const api = useApi();
  const { data } = useQuery({
    queryKey: ["palette", text],
    queryFn: ({ signal }) =>
      api.projects.list({ text: cutUtf8(text, SEARCH_BYTES), limit: BUILDS }, { signal }),
    enabled: text.length > 1,
    placeholderData: (known) => known,
  });
  return text.length > 1 ? (data?.items ?? []) : [];
}
