import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleHelp, Files, Link } from "lucide-react";
import { useRef } from "react";
import { CopyButton } from "../../../components/copy-button.tsx";
import { RelativeTime } from "../../../components/relative-time.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { TextInput } from "../../../components/ui/field.tsx";
import { useErrorText } from "../../../i18n/errors.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Project, useApi } from "../../../lib/api.ts";
import { BASE } from "../../../lib/base.ts";
import { mayPass } from "../../../lib/errors.ts";
import { formatDuration } from "../../../lib/format.ts";
import { newId } from "../../../lib/new-id.ts";
import { useNow } from "../../../lib/ticker.ts";
import { showProject } from "../../../live/cache.ts";
import { messages } from "../messages.ts";
import type { StageName } from "../model/stage-name.ts";
import { AnswerForm, forgetAnswer } from "./answer-form.tsx";
import type { Waiting } from "./decision.ts";

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
      <AnswerLink key={waiting.since} project={project} />
    </section>
  );
}

export function Expiry({
  waiting: { expires_at, on_timeout },
}: {
  waiting: Pick<Waiting, "expires_at" | "on_timeout">;
}) {
  const t = useMessages(messages);
  const lang = useLang();
  const now = useNow(expires_at !== undefined);
  if (expires_at === undefined) return null;
  const seconds = Math.max(0, Math.ceil((Date.parse(expires_at) - now) / 1000));
  const then = on_timeout === "fail" ? t.gateFails : on_timeout === "skip" ? t.gateSkips : t.gateAnswers;
  return <p className="mt-1 text-sm text-warn">{then(formatDuration(seconds, lang, true))}</p>;
}

function Answer({ project, waiting }: { project: Project; waiting: Waiting }) {
  const send = useAnswer(project);
  return (
    <AnswerForm
      error={send.error}
      isPending={send.isPending}
      of={project.project_id}
      onAnswer={(value) => send.mutate({ stage: waiting.stage, since: waiting.since, value })}
      waiting={waiting}
    />
  );
}

/** The address takes the place of the button that had the focus. */
function choose(field: HTMLInputElement | null) {
  field?.focus();
  field?.select();
}

/** For one who may not sign in here: a link that answers this question alone. */
function AnswerLink({ project }: { project: Project }) {
  const t = useMessages(messages);
  const api = useApi();
  const textOf = useErrorText();
  const make = useMutation({
    mutationFn: () => api.projects.answerLink({ project_id: project.project_id }),
    retry: (count, error) => count < 2 && mayPass(error),
  });
  if (make.data) {
    const { url } = make.data;
    const address = url.startsWith("/") ? window.location.origin + BASE + url : url;
    return (
      <div className="flex min-w-0 items-center gap-2 text-sm">
        <TextInput
          aria-label={t.answerLink}
          className="min-w-0 flex-1 font-mono text-xs!"
          readOnly
          ref={choose}
          value={address}
        />
        <CopyButton label={t.copyLink} text={address} />
      </div>
    );
  }
  return (
    <div className="grid gap-1">
      <Button
        className="-ml-3 justify-self-start max-sm:h-11"
        disabled={make.isPending}
        focusableWhenDisabled
        look="ghost"
        onClick={() => make.mutate()}
      >
        <Link aria-hidden className="size-4" />
        {t.makeLink}
      </Button>
      {make.error && (
        <p className="text-bad text-sm" role="alert">
          {textOf(make.error)}
        </p>
      )}
    </div>
  );
}

function useAnswer({ project_id }: Project) {
  const api = useApi();
  const queries = useQueryClient();
  const operation = useRef(newId());
  return useMutation({
    mutationFn: ({ stage, value }: { stage: string; since: string; value: unknown }) =>
      api.projects.answer({ project_id, stage, value, operation_id: operation.current }),
    // A repeat of a lost answer carries the same id, and changes nothing.
    retry: (count, error) => count < 2 && mayPass(error),
    onSuccess: (project, { since }) => {
      forgetAnswer(project_id, since);
      // With the card goes what has the focus: who reads by keyboard or by ear continues in the page, not before it.
      const { activeElement } = document;
      if (activeElement === document.body || activeElement?.closest("form"))
        document.getElementById("content")?.focus({ preventScroll: true });
      showProject(queries, project);
    },
    onError: () => {
      operation.current = newId();
    },
  });
}
