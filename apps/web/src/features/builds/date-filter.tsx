import { CalendarDays } from "lucide-react";
import { Button } from "../../components/ui/button.tsx";
import { Field, TextInput } from "../../components/ui/field.tsx";
import { Popover } from "../../components/ui/popover.tsx";
import { useMessages } from "../../i18n/lang.ts";
import type { BuildsSearch } from "../../lib/builds-list.ts";
import { cn } from "../../lib/cn.ts";
import { messages } from "./messages.ts";

export interface DateFilterProps {
  search: BuildsSearch;
  onChange: (dates: { since?: string | undefined; until?: string | undefined }) => void;
}

const DAYS = [1, 7, 30] as const;

/** From which day to which the builds of the list were created, by the reader's own days. */
export function DateFilter({ search: { since, until }, onChange }: DateFilterProps) {
  const t = useMessages(messages);
  const set = since !== undefined || until !== undefined;
  return (
    <Popover
      title={t.dates}
      trigger={
        <Button className={cn("max-sm:w-11 max-sm:px-0", set && "bg-selected text-accent")} look="secondary">
          <CalendarDays aria-hidden className="size-4" />
          <span className={cn(set ? "sr-only" : "max-sm:sr-only")}>{t.dates}</span>
          {set && <span className="max-sm:sr-only">{[since, until].filter(Boolean).join(" – ")}</span>}
        </Button>
      }
    >
      <div className="mb-3 flex flex-wrap gap-2">
        {DAYS.map((days) => (
          <Button
            key={days}
            onClick={() => onChange({ since: dayBefore(days - 1), until: undefined })}
            size="small"
          >
            {t.lastDays(days)}
          </Button>
        ))}
        <Button onClick={() => onChange({ since: undefined, until: undefined })} size="small">
          {t.anyDate}
        </Button>
      </div>
      <div className="grid gap-x-3 sm:grid-cols-2">
        <Field id="since" label={t.since}>
          <TextInput
            id="since"
            max={until}
            onChange={(event) => onChange({ since: event.target.value || undefined, until })}
            type="date"
            value={since ?? ""}
          />
        </Field>
        <Field id="until" label={t.until}>
          <TextInput
            id="until"
            min={since}
            onChange={(event) => onChange({ since, until: event.target.value || undefined })}
            type="date"
            value={until ?? ""}
          />
        </Field>
      </div>
    </Popover>
  );
}

/** `YYYY-MM-DD`, so many days before today where the reader is. */
function dayBefore(days: number): string {
  const day = new Date();
  day.setDate(day.getDate() - days);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
