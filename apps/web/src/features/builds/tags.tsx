import { useMessages } from "../../i18n/lang.ts";
import { messages } from "./messages.ts";
import type { BuildsSearch } from "./search.ts";

const SHOWN = 3;

/** The tags of a build; each is a way to all builds that have it. */
export function Tags({ tags, search }: { tags: readonly string[]; search: BuildsSearch }) {
  const t = useMessages(messages);
  if (tags.length === 0) return null;
  return (
    <span className="flex min-w-0 shrink items-center gap-1 overflow-hidden max-md:hidden">
      {tags.slice(0, SHOWN).map((tag) => (
        <a
          aria-label={t.filterByTag(tag)}
          className="inline-block max-w-28 truncate rounded bg-idle-soft px-1.5 py-px text-ink-2 text-xs outline-offset-[-2px] hover:text-ink"
          href={`/?${new URLSearchParams({ ...search, tag })}`}
          key={tag}
          title={tag}
        >
          {tag}
        </a>
      ))}
      {tags.length > SHOWN && (
        <span className="text-ink-3 text-xs" title={tags.slice(SHOWN).join(", ")}>
          +{tags.length - SHOWN}
        </span>
      )}
    </span>
  );
}
