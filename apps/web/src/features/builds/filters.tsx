import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { X } from "lucide-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { Select, TextInput } from "../../components/ui/field.tsx";
import { statusNames } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { useShortcut } from "../../lib/shortcuts.ts";
import type { List } from "../../live/lists.ts";
import { messages } from "./messages.ts";
import { readSearch, STATUSES } from "./search.ts";

export function Filters({ search }: { search: BuildsSearch }) {
  const t = useMessages(messages);
  const lang = useLang();
  const navigate = useNavigate({ from: "/" });
  const searchField = useRef<HTMLInputElement>(null);
  useShortcut("/", () => searchField.current?.focus());
  const set = (change: Record<string, string | undefined>) =>
    void navigate({ search: (now) => readSearch({ ...now, ...change }), replace: true });
  const filtered = Object.keys(search).length > 0;
  const queries = useQueryClient();
  return (
    <search className="flex shrink-0 flex-wrap items-center gap-2 border-line border-b bg-surface px-3 py-2 sm:px-4">
      <FilterText
        className="min-w-0 flex-[1_1_12rem] sm:max-w-80"
        inputRef={searchField}
        label={t.searchPlaceholder}
        onChange={(text) => set({ text })}
        value={search.text}
      />
      <Select
        aria-label={t.status}
        className="w-auto flex-[0_1_8.5rem]"
        onChange={(event) => set({ status: event.target.value })}
        value={search.status ?? ""}
      >
        <option value="">{t.anyStatus}</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {statusNames[lang][status]}
          </option>
        ))}
      </Select>
      <FilterText
        className="min-w-0 flex-[1_1_6rem] sm:max-w-36"
        label={t.anyUser}
        name={t.user}
        onChange={(user) => set({ user })}
        value={search.user}
      />
      <FilterText
        className="min-w-0 flex-[1_1_6rem] sm:max-w-36"
        complete={(typed) => completeTag(typed, knownTags(queries))}
        label={t.anyTag}
        name={t.tag}
        onChange={(tag) => set({ tag })}
        value={search.tag}
      />
      {filtered && (
        <Button look="ghost" onClick={() => void navigate({ search: {}, replace: true })}>
          <X aria-hidden className="size-4" />
          {t.clearFilters}
        </Button>
      )}
    </search>
  );
}

/** A tag that has been typed half-way stands for the first known one that begins so. */
function completeTag(typed: string, known: readonly string[]): string {
  const wanted = typed.toLowerCase();
  if (known.includes(typed)) return typed;
  return known.find((tag) => tag.toLowerCase().startsWith(wanted)) ?? typed;
}

/** The tags of all builds that have been read, whatever the list is filtered by now. */
function knownTags(queries: QueryClient): readonly string[] {
  const lists = queries.getQueriesData<List>({ queryKey: ["builds"] });
  const builds = lists.flatMap(([, list]) => list?.pages.flatMap(({ items }) => items) ?? []);
  return [...new Set(builds.flatMap(({ tags }) => tags))];
}

interface FilterTextProps {
  value: string | undefined;
  /** What a typed text stands for. */
  complete?: (typed: string) => string;
  onChange: (value: string | undefined) => void;
  /** Shown while it is empty. */
  label: string;
  name?: string;
  className?: string;
  inputRef?: React.Ref<HTMLInputElement>;
}

const SETTLE_MS = 250;

/** Asks when typing has paused, and follows the address when that changes by itself. */
function FilterText({
  value,
  complete = String,
  onChange,
  label,
  name = label,
  className,
  inputRef,
}: FilterTextProps) {
  const [text, setText] = useState(value ?? "");
  const [known, setKnown] = useState(value);
  const wanted = () => (text.trim() === "" ? undefined : complete(text.trim()));
  if (value !== known) {
    setKnown(value);
    if (value !== wanted()) setText(value ?? "");
  }
  const settle = useEffectEvent(() => {
    const next = wanted();
    if (next !== value) onChange(next);
  });
  useEffect(() => {
    const timer = setTimeout(() => settle(), text === "" ? 0 : SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className={className}>
      <TextInput
        aria-label={name}
        maxLength={200}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) =>
          event.key === "Escape" && (text === "" ? event.currentTarget.blur() : setText(""))
        }
        placeholder={label}
        ref={inputRef}
        type="search"
        value={text}
      />
    </div>
  );
}
