import { Bookmark, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { describedBy, Field, TextInput } from "../../components/ui/field.tsx";
import { Popover } from "../../components/ui/popover.tsx";
import { useMessages } from "../../i18n/lang.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import { messages } from "./messages.ts";
import { queryText } from "./query.ts";
import { keptViews, removeView, saveView } from "./saved-views.ts";

export interface ViewsProps {
  search: BuildsSearch;
  onChoose: (search: BuildsSearch) => void;
}

/** Filters that the reader has kept under a name. */
export function Views({ search, onChoose }: ViewsProps) {
  const t = useMessages(messages);
  return (
    <Popover
      title={t.views}
      trigger={
        <Button className="max-sm:w-11 max-sm:px-0" look="secondary">
          <Bookmark aria-hidden className="size-4" />
          <span className="max-md:sr-only">{t.views}</span>
        </Button>
      }
    >
      <ViewList onChoose={onChoose} search={search} />
    </Popover>
  );
}

function ViewList({ search, onChoose }: ViewsProps) {
  const t = useMessages(messages);
  const [views, setViews] = useState(keptViews);
  const [name, setName] = useState("");
  const here = queryText(search);
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "" || here === "") return;
    setViews(saveView({ name: name.trim(), search }));
    setName("");
  };
  return (
    <div className="grid grid-cols-1 gap-3 text-sm">
      {views.length === 0 && <p className="text-ink-2">{t.noViews}</p>}
      <ul className="grid grid-cols-1 gap-px">
        {views.map((view) => {
          const text = queryText(view.search);
          return (
            <li className="flex items-center gap-1" key={view.name}>
              <button
                aria-current={text === here ? "true" : undefined}
                className={cn(
                  "min-h-11 min-w-0 flex-1 rounded-md px-2 py-1 text-left hover:bg-hover",
                  text === here && "bg-selected",
                )}
                onClick={() => onChoose(view.search)}
                type="button"
              >
                <span className="block truncate font-medium">{view.name}</span>
                <span className="block truncate font-mono text-ink-3 text-xs">{text}</span>
              </button>
              <Button
                aria-label={t.removeView(view.name)}
                look="ghost"
                onClick={({ currentTarget }) => {
                  // The button that has the focus is removed with the view.
                  currentTarget.closest<HTMLElement>("[role=dialog]")?.focus();
                  setViews(removeView(view.name));
                }}
                size="icon"
              >
                <Trash2 aria-hidden className="size-4" />
              </Button>
            </li>
          );
        })}
      </ul>
      <form className="flex items-start gap-2 border-line border-t pt-3" onSubmit={save}>
        <div className="min-w-0 flex-1">
          <Field hint={here === "" ? t.nothingToSave : here} id="view-name" label={t.viewName}>
            <TextInput
              aria-describedby={describedBy("view-name")}
              disabled={here === ""}
              id="view-name"
              maxLength={60}
              onChange={(event) => setName(event.target.value)}
              value={name}
            />
          </Field>
        </div>
        <Button
          className="mt-6"
          disabled={here === "" || name.trim() === ""}
          focusableWhenDisabled
          look="primary"
          type="submit"
        >
          {t.saveView}
        </Button>
      </form>
    </div>
  );
}
