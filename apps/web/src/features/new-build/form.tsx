import { useQuery } from "@tanstack/react-query";
import { CalendarClock, Play } from "lucide-react";
import type { RefObject } from "react";
import { Button } from "../../components/ui/button.tsx";
import { describedBy, Field, TextInput } from "../../components/ui/field.tsx";
import { useSubmit } from "../../components/ui/form.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { pipelinesQuery, useApi } from "../../lib/api.ts";
import { issuesOf } from "../../lib/errors.ts";
import { formatDuration } from "../../lib/format.ts";
import { useNow } from "../../lib/ticker.ts";
import { BuildFields, useProblemText } from "./build-fields.tsx";
import type { Draft } from "./input.ts";
import { messages } from "./messages.ts";
import { problemsOf, sortIssues } from "./problems.ts";
import { useCreate } from "./use-create.ts";

export interface FormProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  requirementRef: RefObject<HTMLTextAreaElement | null>;
}

export function Form({ draft, onChange, requirementRef }: FormProps) {
  const t = useMessages(messages);
  const textOf = useErrorText();
  const { data } = useQuery(pipelinesQuery(useApi()));
  const pipeline = data?.items.find(({ name }) => name === draft.pipeline);
  const create = useCreate();
  const issues = sortIssues(issuesOf(create.error));
  const problems = problemsOf(draft, pipeline);
  const isBeside = Object.keys(issues.byField).length > 0 || Object.keys(issues.input).length > 0;
  const general = create.error && !isBeside ? issues.others.join(" ") || textOf(create.error) : "";

  const { form, tried, submit } = useSubmit({
    error: create.error,
    isPending: create.isPending,
    isRight: Object.keys(problems.fields).length === 0 && Object.keys(problems.input).length === 0,
    send: () => create.mutate({ draft, pipeline }),
  });
  const isLater = draft.start_at !== "" && Date.parse(draft.start_at) > Date.now();
  const Icon = isLater ? CalendarClock : Play;
  return (
    <form className="grid grid-cols-1 gap-2" {...form}>
      <BuildFields
        draft={draft}
        issues={issues}
        more={<StartAt draft={draft} error={issues.byField.start_at} onChange={onChange} tried={tried} />}
        onChange={onChange}
        onSend={submit}
        pipeline={pipeline}
        problems={tried ? problems : undefined}
        requirementRef={requirementRef}
      />
      <div className="mt-2 flex flex-wrap items-center gap-3">
        <Button
          className="max-sm:w-full"
          disabled={create.isPending}
          focusableWhenDisabled
          look="primary"
          type="submit"
        >
          <Icon aria-hidden className="size-4" />
          {create.isPending ? t.starting : isLater ? t.startLater : t.start}
        </Button>
        <div role="alert">
          {general !== "" && (
            <p className="text-bad text-sm">
              {t.notStarted}: {general}
            </p>
          )}
        </div>
      </div>
    </form>
  );
}

interface StartAtProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  tried: boolean;
  /** What the API said of it. */
  error: string | undefined;
}

/** When the build may begin, on the reader's own clock. */
function StartAt({ draft, onChange, tried, error }: StartAtProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const now = useNow(draft.start_at !== "");
  const problemText = useProblemText();
  const problem = tried ? problemsOf(draft).fields.start_at : undefined;
  const said = problem ? problemText(problem) : error;
  const seconds = (Date.parse(draft.start_at) - now) / 1000;
  const hint = seconds > 0 ? t.startsIn(formatDuration(Math.floor(seconds / 60) * 60, lang)) : t.startAtHint;
  return (
    <Field error={said} hint={hint} id="start_at" label={t.startAt}>
      <TextInput
        aria-describedby={describedBy("start_at")}
        aria-invalid={said !== undefined}
        className="sm:max-w-64"
        id="start_at"
        onChange={(event) => onChange({ ...draft, start_at: event.target.value })}
        type="datetime-local"
        value={draft.start_at}
      />
    </Field>
  );
}
