import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, CircleHelp, Files, Send, X } from "lucide-react";
import { type FormEvent, useId, useMemo, useRef, useState } from "react";
import { RelativeTime } from "../../../components/relative-time.tsx";
import { type Entries, entriesOf, type Problem, readEntries } from "../../../components/schema-form/model.ts";
import { SchemaFields } from "../../../components/schema-form/schema-fields.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { useErrorText } from "../../../i18n/errors.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Project, useApi } from "../../../lib/api.ts";
import { issuesOf, mayPass } from "../../../lib/errors.ts";
import { formatDuration } from "../../../lib/format.ts";
import { useNow } from "../../../lib/ticker.ts";
import { showProject } from "../../../live/cache.ts";
import { messages } from "../messages.ts";
import type { StageName } from "../model/stage-name.ts";
import { answerOf, decisionOf, type Waiting } from "./decision.ts";

export interface GateCardProps {
  project: Project;
  nameOf: StageName;
  /** Leads to the files that the question is about. */
  onFiles: (() => void) | undefined;
}

/** What an open gate asks, with the controls that answer it. */
export function GateCard({ project, nameOf, onFiles }: GateCardProps) {
  const t = useMessages(messages);
  const { waiting } = project;
  if (project.status !== "waiting" || !waiting) return null;
  const stage = project.stages_snapshot.stages.find((one) => one.stage === waiting.stage);
  return (
    <section
      aria-label={t.gate}
      className="grid grid-cols-1 gap-3 rounded-xl border border-warn bg-surface p-4 sm:p-5"
      data-testid="gate"
    >
      <div className="flex items-start gap-3">
        <CircleHelp aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
        <div className="min-w-0 flex-1">
          <p className="text-ink-3 text-xs">
            {stage && nameOf(stage)} · <RelativeTime at={waiting.since} />
          </p>
          <p className="mt-0.5 whitespace-pre-wrap font-semibold text-lg [overflow-wrap:anywhere]">
            {waiting.question}
          </p>
          <Expiry waiting={waiting} />
        </div>
      </div>
      {onFiles && (
        <Button className="justify-self-start max-sm:h-11" onClick={onFiles}>
          <Files aria-hidden className="size-4" />
          {t.seeFiles}
        </Button>
      )}
      {/* Another question is another form. */}
      <Answer key={`${waiting.stage} ${waiting.since}`} project={project} waiting={waiting} />
    </section>
  );
}

function Expiry({ waiting: { expires_at, on_timeout } }: { waiting: Waiting }) {
  const t = useMessages(messages);
  const lang = useLang();
  const now = useNow(expires_at !== undefined);
  if (expires_at === undefined) return null;
  const seconds = Math.max(0, Math.ceil((Date.parse(expires_at) - now) / 1000));
  const then = on_timeout === "fail" ? t.gateFails : on_timeout === "skip" ? t.gateSkips : t.gateAnswers;
  return <p className="mt-1 text-sm text-warn">{then(formatDuration(seconds, lang, true))}</p>;
}

function Answer({ project, waiting }: { project: Project; waiting: Waiting }) {
  const t = useMessages(messages);
  const textOf = useErrorText();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const decision = useMemo(() => decisionOf(waiting), [waiting]);
  const [entries, setEntries] = useState<Entries>(() => entriesOf(decision.fields));
  const [problems, setProblems] = useState<Readonly<Record<string, Problem>>>({});
  const send = useAnswer(project);
  const said = Object.fromEntries(
    issuesOf(send.error).map((issue) => {
      const [, path = "", sentence = ""] = /^value\.?([^:]*): (.*)$/s.exec(issue) ?? [];
      return [path, { said: sentence }];
    }),
  );
  const isShown = decision.fields.some(({ key }) => said[key] !== undefined);
  const answer = (isYes: boolean) => {
    const reading = readEntries(decision.fields, entries);
    // Where anything is an answer, nothing is one too.
    const wrong = waiting.answer_schema === undefined ? {} : reading.problems;
    setProblems(wrong);
    if (Object.keys(wrong).length === 0)
      send.mutate({ stage: waiting.stage, value: answerOf(decision, reading.value, isYes) });
    else
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!send.isPending) answer(true);
  };
  const asksYes = Object.keys(decision.yes).length > 0;
  const large = "max-sm:h-11 max-sm:flex-1";
  return (
    <form className="grid grid-cols-1 gap-2" noValidate onSubmit={submit} ref={form}>
      <SchemaFields
        entries={entries}
        fields={decision.fields}
        id={id}
        onChange={(key, entry) => {
          setEntries({ ...entries, [key]: entry });
          setProblems({});
        }}
        problems={{ ...said, ...problems }}
      />
      <div className="flex flex-wrap gap-2">
        {asksYes ? (
          <>
            <Button
              className={large}
              disabled={send.isPending}
              focusableWhenDisabled
              look="primary"
              type="submit"
            >
              <Check aria-hidden className="size-4" />
              {t.approve}
            </Button>
            <Button
              className={large}
              disabled={send.isPending}
              focusableWhenDisabled
              onClick={() => answer(false)}
              type="button"
            >
              <X aria-hidden className="size-4" />
              {t.refuse}
            </Button>
          </>
        ) : (
          <Button
            className={large}
            disabled={send.isPending}
            focusableWhenDisabled
            look="primary"
            type="submit"
          >
            <Send aria-hidden className="size-4" />
            {t.answer}
          </Button>
        )}
      </div>
      {send.error && !isShown && (
        <p className="text-bad text-sm" role="alert">
          {textOf(send.error)}
        </p>
      )}
    </form>
  );
}

function useAnswer({ project_id }: Project) {
  const api = useApi();
  const queries = useQueryClient();
  const operation = useRef(crypto.randomUUID());
  return useMutation({
    mutationFn: ({ stage, value }: { stage: string; value: unknown }) =>
      api.projects.answer({ project_id, stage, value, operation_id: operation.current }),
    // A repeat of a lost answer carries the same id, and changes nothing.
    retry: (count, error) => count < 2 && mayPass(error),
    onSuccess: (project) => showProject(queries, project),
    onError: () => {
      operation.current = crypto.randomUUID();
    },
  });
}
