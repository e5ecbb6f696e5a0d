import { Check, Send, X } from "lucide-react";
import { type FormEvent, useId, useMemo, useRef, useState } from "react";
import { useKeptDraft } from "../../../components/kept-draft.tsx";
import { type Entries, entriesOf, type Problem, readEntries } from "../../../components/schema-form/model.ts";
import { SchemaFields } from "../../../components/schema-form/schema-fields.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { useErrorText } from "../../../i18n/errors.ts";
import { useMessages } from "../../../i18n/lang.ts";
import { issuesOf } from "../../../lib/errors.ts";
import { forget } from "../../../lib/storage.ts";
import { messages } from "../messages.ts";
import { answerOf, decisionOf, type Waiting } from "./decision.ts";

export interface AnswerFormProps {
  waiting: Pick<Waiting, "answer_schema" | "accept" | "since">;
  /** Of the question: under it and the time it was asked, what is typed is kept. */
  of: string;
  onAnswer: (value: unknown) => void;
  isPending: boolean;
  /** Why the last answer was not taken. */
  error: unknown;
}

function draftOf(of: string, since: string): string {
  return `draft.gate.${of}.${since}`;
}

/** To be called once it is answered. */
export function forgetAnswer(of: string, since: string): void {
  forget(draftOf(of, since));
}

/** The controls that answer a question: two buttons where it asks yes or no, else a form of its schema. */
export function AnswerForm({ waiting, of, onAnswer, isPending, error }: AnswerFormProps) {
  const t = useMessages(messages);
  const textOf = useErrorText();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const decision = useMemo(() => decisionOf(waiting), [waiting]);
  const { draft: entries, set } = useKeptDraft<Entries>(draftOf(of, waiting.since), () =>
    entriesOf(decision.fields),
  );
  const [problems, setProblems] = useState<Readonly<Record<string, Problem>>>({});
  const said = Object.fromEntries(
    issuesOf(error).map((issue) => {
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
    if (Object.keys(wrong).length === 0) onAnswer(answerOf(decision, reading.value, isYes));
    else
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isPending) answer(true);
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
          set({ [key]: entry });
          setProblems({});
        }}
        problems={{ ...said, ...problems }}
      />
      <div className="flex flex-wrap gap-2">
        {asksYes ? (
          <>
            <Button className={large} disabled={isPending} focusableWhenDisabled look="primary" type="submit">
              <Check aria-hidden className="size-4" />
              {t.approve}
            </Button>
            <Button
              className={large}
              disabled={isPending}
              focusableWhenDisabled
              onClick={() => answer(false)}
              type="button"
            >
              <X aria-hidden className="size-4" />
              {t.refuse}
            </Button>
          </>
        ) : (
          <Button className={large} disabled={isPending} focusableWhenDisabled look="primary" type="submit">
            <Send aria-hidden className="size-4" />
            {t.answer}
          </Button>
        )}
      </div>
      {error != null && !isShown && (
        <p className="text-bad text-sm" role="alert">
          {textOf(error)}
        </p>
      )}
    </form>
  );
}
