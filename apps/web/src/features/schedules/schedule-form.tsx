import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { DraftNote, useKeptDraft } from "../../components/kept-draft.tsx";
import { describedBy, Field, Select, TextInput } from "../../components/ui/field.tsx";
import { FormEnd, useSubmit } from "../../components/ui/form.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { type Inputs, pipelinesQuery, useApi } from "../../lib/api.ts";
import { issuesByField, issuesOf } from "../../lib/errors.ts";
import {
  BuildFields,
  type Draft,
  draftOf,
  EMPTY,
  inputOf,
  problemsOf,
  sortIssues,
} from "../new-build/index.ts";
import { cronOf, dayNames, RHYTHMS, type Times, timesOf } from "./cron.ts";
import { messages } from "./messages.ts";
import type { Schedule } from "./use-schedules.ts";

const DEFAULT = "0 7 * * 1-5";

interface Fields {
  readonly name: string;
  readonly times: Times;
  readonly time_zone: string;
  readonly missed: "run_once" | "skip";
  readonly draft: Draft;
}

/** Makes a schedule, or changes the one that is given. */
export function ScheduleForm({ schedule, onDone }: { schedule: Schedule | undefined; onDone: () => void }) {
  const t = useMessages(messages);
  const textOf = useErrorText();
  const { data } = useQuery(pipelinesQuery(useApi()));
  const { draft: fields, set, ...kept } = useKeptDraft("draft.schedule", () => fieldsOf(schedule));
  const pipeline = data?.items.find(({ name }) => name === fields.draft.pipeline);
  const save = useSave(schedule, () => {
    kept.done();
    onDone();
  });
  const said = issuesOf(save.error);
  const issues = sortIssues(said.flatMap((issue) => (issue.startsWith("build.") ? [issue.slice(6)] : [])));
  const problems = problemsOf(fields.draft, pipeline);
  const missing = {
    ...(fields.name.trim() === "" && { name: t.nameMissing }),
    ...(cronOf(fields.times) === "" && { cron: t.cronMissing }),
  };
  const isRight = [missing, problems.fields, problems.input].every((some) => Object.keys(some).length === 0);
  const { form, tried } = useSubmit({
    error: save.error,
    isPending: save.isPending,
    isRight,
    send: () => {
      const { name, times, time_zone, missed, draft } = fields;
      const build = { ...keptOf(schedule), ...inputOf(draft, pipeline) };
      save.mutate({ name: name.trim(), cron: cronOf(times), time_zone: time_zone.trim(), missed, build });
    },
  });
  const errors: Partial<Record<string, string>> = { ...issuesByField(said), ...(tried && missing) };
  const isSaidBeside = said.some((issue) => /^(name|cron|time_zone|missed|build\.)/.test(issue));
  return (
    <form className="grid grid-cols-1 gap-2" {...form}>
      <Field error={errors.name} id="schedule-name" label={t.name}>
        <TextInput
          aria-describedby={describedBy("schedule-name")}
          aria-invalid={errors.name !== undefined}
          id="schedule-name"
          maxLength={200}
          onChange={(event) => set({ name: event.target.value })}
          required
          value={fields.name}
        />
      </Field>
      <TimesFields error={errors.cron} onChange={(times) => set({ times })} times={fields.times} />
      <div className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
        <Field error={errors.time_zone} id="time-zone" label={t.timeZone}>
          <TextInput
            aria-describedby={describedBy("time-zone")}
            aria-invalid={errors.time_zone !== undefined}
            id="time-zone"
            list="time-zones"
            onChange={(event) => set({ time_zone: event.target.value })}
            value={fields.time_zone}
          />
          <datalist id="time-zones">
            {Intl.supportedValuesOf("timeZone").map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </Field>
        <Field error={errors.missed} id="missed" label={t.missedTimes}>
          <Select
            id="missed"
            onChange={(event) => set({ missed: event.target.value === "skip" ? "skip" : "run_once" })}
            value={fields.missed}
          >
            <option value="run_once">{t.run_once}</option>
            <option value="skip">{t.skip}</option>
          </Select>
        </Field>
      </div>
      <h3 className="mt-2 border-line border-t pt-4 font-semibold">{t.whatIsBuilt}</h3>
      <BuildFields
        draft={fields.draft}
        issues={issues}
        onChange={(draft) => set({ draft })}
        pipeline={pipeline}
        problems={tried ? problems : undefined}
      />
      <FormEnd
        error={save.error && !isSaidBeside ? `${t.notSaved}: ${textOf(save.error)}` : ""}
        isPending={save.isPending}
        label={save.isPending ? t.saving : t.save}
      >
        <DraftNote {...kept} />
      </FormEnd>
    </form>
  );
}

interface TimesFieldsProps {
  times: Times;
  onChange: (times: Times) => void;
  /** What is wrong with the pattern. */
  error: string | undefined;
}

function TimesFields({ times, onChange, error }: TimesFieldsProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const { rhythm, time, day, date, pattern } = times;
  const set = (changes: Partial<Times>) => onChange({ ...times, ...changes });
  const isHourly = rhythm === "hourly";
  return (
    <div className="grid gap-x-4 gap-y-2 sm:grid-cols-3">
      <Field id="rhythm" label={t.rhythm}>
        <Select
          id="rhythm"
          onChange={(event) => {
            const next = RHYTHMS.find((one) => one === event.target.value);
            // The pattern begins with what was said in words.
            if (next) set({ rhythm: next, ...(next === "pattern" && { pattern: cronOf(times) }) });
          }}
          value={rhythm}
        >
          {RHYTHMS.map((one) => (
            <option key={one} value={one}>
              {t[one]}
            </option>
          ))}
        </Select>
      </Field>
      {rhythm === "weekly" && (
        <Field id="day" label={t.day}>
          <Select id="day" onChange={(event) => set({ day: event.target.value })} value={day}>
            {dayNames(lang).map((name, i) => (
              <option key={name} value={i}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {rhythm === "monthly" && (
        <Field hint={Number(date) > 28 ? t.dateHint : undefined} id="date" label={t.date}>
          <Select
            aria-describedby={describedBy("date")}
            id="date"
            onChange={(event) => set({ date: event.target.value })}
            value={date}
          >
            {Array.from({ length: 31 }, (_, i) => String(i + 1)).map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {rhythm === "pattern" ? (
        <div className="sm:col-span-2">
          <Field error={error} hint={t.cronHint} id="cron" label={t.cron}>
            <TextInput
              aria-describedby={describedBy("cron")}
              aria-invalid={error !== undefined}
              className="font-mono"
              id="cron"
              maxLength={200}
              onChange={(event) => set({ pattern: event.target.value })}
              value={pattern}
            />
          </Field>
        </div>
      ) : (
        <Field error={error} id="at" label={isHourly ? t.minute : t.at}>
          {isHourly ? (
            <TextInput
              aria-describedby={describedBy("at")}
              aria-invalid={error !== undefined}
              id="at"
              max={59}
              min={0}
              onChange={(event) => set({ time: `00:${event.target.value.padStart(2, "0")}` })}
              type="number"
              value={String(Number(time.split(":")[1] ?? "0"))}
            />
          ) : (
            <TextInput
              aria-describedby={describedBy("at")}
              aria-invalid={error !== undefined}
              id="at"
              onChange={(event) => set({ time: event.target.value || "00:00" })}
              type="time"
              value={time}
            />
          )}
        </Field>
      )}
    </div>
  );
}

function fieldsOf(schedule: Schedule | undefined): Fields {
  const { build } = schedule ?? {};
  return {
    name: schedule?.name ?? "",
    times: timesOf(schedule?.cron ?? DEFAULT),
    time_zone: schedule?.time_zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone,
    missed: schedule?.missed ?? "run_once",
    draft: build ? { ...draftOf(build, build.input), agent_id: build.agent_id ?? "" } : EMPTY,
  };
}

/** What the form does not show of the build stays as it is. */
function keptOf(schedule: Schedule | undefined): Pick<Schedule["build"], "user_name" | "start_at"> {
  const { user_name, start_at } = schedule?.build ?? {};
  return { ...(user_name !== undefined && { user_name }), ...(start_at !== undefined && { start_at }) };
}

function useSave(schedule: Schedule | undefined, onDone: () => void) {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (fields: Inputs["schedules"]["create"]) =>
      schedule === undefined
        ? api.schedules.create(fields)
        : api.schedules.update({ schedule_id: schedule.schedule_id, ...fields }),
    onSuccess: onDone,
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["schedule"] });
      return queries.invalidateQueries({ queryKey: ["schedules"] });
    },
  });
}
