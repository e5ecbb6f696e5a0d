import { LIMITS, utf8Bytes } from "@stagefold/core";
import { Play } from "lucide-react";
import { type FormEvent, type RefObject, useEffect, useRef, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { describedBy, Field, Select, TextArea, TextInput } from "../../components/ui/field.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { issuesOf } from "../../lib/errors.ts";
import { formatNumber } from "../../lib/format.ts";
import { type Draft, type Field as FieldName, type Problem, problemsOf, sortIssues } from "./input.ts";
import { messages } from "./messages.ts";
import { PipelineField } from "./pipeline-field.tsx";
import { useCreate } from "./use-create.ts";

export interface FormProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  requirementRef: RefObject<HTMLTextAreaElement | null>;
}

export function Form({ draft, onChange, requirementRef }: FormProps) {
  const t = useMessages(messages);
  const textOf = useErrorText();
  const create = useCreate();
  const form = useRef<HTMLFormElement>(null);
  /** What is wrong is said once the reader wants to start, and while it is corrected. */
  const [tried, setTried] = useState(0);
  const { byField, others } = sortIssues(issuesOf(create.error));
  const problems = problemsOf(draft);
  const problemText = useProblemText();
  const found = Object.fromEntries(
    Object.entries(problems).map(([field, problem]) => [field, problemText(problem)]),
  );
  const errors: Partial<Record<FieldName, string>> = tried > 0 ? { ...byField, ...found } : {};
  const general =
    create.error && Object.keys(byField).length === 0 ? others.join(" ") || textOf(create.error) : "";

  // The reader is taken to the first field that is to be corrected.
  useEffect(() => {
    if (tried > 0 || create.error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [tried, create.error]);

  const set = (field: FieldName) => (event: { target: { value: string } }) => {
    onChange({ ...draft, [field]: event.target.value });
  };
  const about = (field: FieldName) => ({
    id: field,
    "aria-describedby": describedBy(field),
    "aria-invalid": errors[field] !== undefined,
    onChange: set(field),
    value: draft[field],
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (create.isPending) return;
    setTried(tried + 1);
    if (Object.keys(problems).length === 0) create.mutate(draft);
  };
  return (
    <form className="grid gap-2" noValidate onSubmit={submit} ref={form}>
      <Field
        error={errors.requirement}
        hint={<RequirementHint text={draft.requirement} />}
        id="requirement"
        label={t.requirement}
      >
        <TextArea
          {...about("requirement")}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
          }}
          ref={requirementRef}
          required
          rows={6}
        />
      </Field>
      {draft.agent_id !== "" && (
        <p className="flex flex-wrap items-center gap-2 rounded-lg border border-line bg-surface px-3 py-2 text-sm">
          {t.agent(draft.agent_id)}
          <Button onClick={() => onChange({ ...draft, agent_id: "" })} size="small">
            {t.newAgent}
          </Button>
          {errors.agent_id !== undefined && <span className="text-bad">{errors.agent_id}</span>}
        </p>
      )}
      <PipelineField error={errors.pipeline} onChange={set("pipeline")} value={draft.pipeline} />
      <div className="grid gap-x-4 gap-y-2 sm:grid-cols-3">
        <Field error={errors.project_name} hint={t.nameHint} id="project_name" label={t.name}>
          <TextInput {...about("project_name")} />
        </Field>
        <Field error={errors.tags} hint={t.tagsHint} id="tags" label={t.tags}>
          <TextInput {...about("tags")} />
        </Field>
        <Field error={errors.priority} hint={t.priorityHint} id="priority" label={t.priority}>
          <Select {...about("priority")}>
            {t.priorities.split("|").map((name, i) => (
              <option key={name} value={i + 1}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <div className="mt-2 flex flex-wrap items-center gap-3">
        <Button disabled={create.isPending} focusableWhenDisabled look="primary" type="submit">
          <Play aria-hidden className="size-4" />
          {create.isPending ? t.starting : t.start}
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

/** From this share of the limit on, the reader is told how much there is. */
const NEAR = 0.8;

function RequirementHint({ text }: { text: string }) {
  const t = useMessages(messages);
  const lang = useLang();
  const size = utf8Bytes(text.trim());
  if (size < LIMITS.requirement * NEAR) return t.requirementHint;
  return (
    <span className="tabular">
      {t.size(formatNumber(size, lang), formatNumber(LIMITS.requirement, lang))}
    </span>
  );
}

function useProblemText(): (problem: Problem) => string {
  const t = useMessages(messages);
  const lang = useLang();
  const number = (value: number) => formatNumber(value, lang);
  return (problem) => {
    switch (problem.kind) {
      case "missing":
        return t.requirementMissing;
      case "long":
        return t.tooLong(number(problem.size), number(problem.limit));
      case "long tag":
        return t.longTag(shortened(problem.tag), number(problem.size), number(problem.limit));
      case "many tags":
        return t.manyTags(number(problem.count), number(problem.limit));
      default:
        return problem satisfies never;
    }
  };
}

function shortened(tag: string): string {
  return tag.length > 20 ? `${tag.slice(0, 20)}…` : tag;
}
