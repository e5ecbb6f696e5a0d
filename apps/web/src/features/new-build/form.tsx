import { Play } from "lucide-react";
import { type FormEvent, type RefObject, useEffect, useRef, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { describedBy, Field, Select, TextArea, TextInput } from "../../components/ui/field.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { issuesOf } from "../../lib/errors.ts";
import { type Draft, type Field as FieldName, sortIssues } from "./input.ts";
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
  const [missing, setMissing] = useState(false);
  const { byField, others } = sortIssues(issuesOf(create.error));
  const errors = missing ? { requirement: t.requirementMissing } : byField;
  const general =
    create.error && Object.keys(byField).length === 0 ? others.join(" ") || textOf(create.error) : "";

  // The reader is taken to the first field that is to be corrected.
  useEffect(() => {
    if (missing || create.error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [missing, create.error]);

  const set = (field: FieldName) => (event: { target: { value: string } }) => {
    setMissing(false);
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
    setMissing(draft.requirement.trim() === "");
    if (draft.requirement.trim() !== "") create.mutate(draft);
  };
  return (
    <form className="grid gap-2" noValidate onSubmit={submit} ref={form}>
      <Field error={errors.requirement} hint={t.requirementHint} id="requirement" label={t.requirement}>
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
