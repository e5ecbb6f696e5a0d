import { LIMITS, utf8Bytes } from "@stagefold/core";
import { ChevronRight } from "lucide-react";
import type { ReactNode, RefObject } from "react";
import { SchemaFields } from "../../components/schema-form/schema-fields.tsx";
import { Button } from "../../components/ui/button.tsx";
import { describedBy, Field, Select, TextArea, TextInput } from "../../components/ui/field.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { PipelineInfo } from "../../lib/api.ts";
import { formatCost, formatDuration, formatNumber } from "../../lib/format.ts";
import { type Draft, type Field as FieldName, inputFields, LIMIT_FIELDS, type LimitField } from "./input.ts";
import { messages } from "./messages.ts";
import { PipelineField } from "./pipeline-field.tsx";
import type { Issues, Problem, Problems } from "./problems.ts";

export interface BuildFieldsProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  pipeline: PipelineInfo | undefined;
  /** What is wrong, as the form knows it and as the API said it; undefined while the reader has not tried to send it. */
  problems: Problems | undefined;
  issues: Issues;
  /** Ctrl+Enter in the requirement. */
  onSend?: () => void;
  requirementRef?: RefObject<HTMLTextAreaElement | null>;
  /** Fields of the caller's own, among those that are seldom needed. */
  more?: ReactNode;
}

/** What a build is made of: requirement, pipeline and its input, name, tags, limits. A schedule has the same. */
export function BuildFields(props: BuildFieldsProps) {
  const { draft, onChange, pipeline, problems, issues, onSend, requirementRef, more } = props;
  const t = useMessages(messages);
  const problemText = useProblemText();
  const set = (changes: Partial<Draft>) => onChange({ ...draft, ...changes });
  const errorOf = (field: FieldName) => {
    const problem = problems?.fields[field];
    return problem ? problemText(problem) : issues.byField[field];
  };
  const about = (field: FieldName) => ({
    id: field,
    "aria-describedby": describedBy(field),
    "aria-invalid": errorOf(field) !== undefined,
    onChange: (event: { target: { value: string } }) => set({ [field]: event.target.value }),
    value: draft[field],
  });
  const fields = inputFields(draft, pipeline);
  const isLimited = LIMIT_FIELDS.some((field) => draft[field] !== "" || errorOf(field) !== undefined);
  const isOptional = pipeline?.requirement === "optional";
  return (
    <>
      <Field
        error={errorOf("requirement")}
        hint={<RequirementHint isOptional={isOptional} text={draft.requirement} />}
        id="requirement"
        label={t.requirement}
      >
        <TextArea
          {...about("requirement")}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onSend?.();
          }}
          ref={requirementRef}
          required={!isOptional}
          rows={isOptional ? 3 : 6}
        />
      </Field>
      {draft.agent_id !== "" && (
        <p className="flex flex-wrap items-center gap-2 rounded-lg border border-line bg-surface px-3 py-2 text-sm">
          {t.agent(draft.agent_id)}
          <Button onClick={() => set({ agent_id: "" })} size="small">
            {t.newAgent}
          </Button>
          {errorOf("agent_id") !== undefined && <span className="text-bad">{errorOf("agent_id")}</span>}
        </p>
      )}
      <PipelineField
        error={errorOf("pipeline")}
        // What another pipeline takes is something else.
        onChange={(event) => set({ pipeline: event.target.value, input: "", entries: {} })}
        value={draft.pipeline}
      />
      {fields.length > 0 && (
        <fieldset className="grid grid-cols-1 gap-2 rounded-xl border border-line bg-surface p-4">
          <legend className="px-1 font-medium text-sm">{t.input}</legend>
          <SchemaFields
            entries={draft.entries}
            fields={fields}
            id="input"
            onChange={(key, entry) => set({ entries: { ...draft.entries, [key]: entry } })}
            problems={{ ...issues.input, ...problems?.input }}
          />
        </fieldset>
      )}
      <div className="grid gap-x-4 gap-y-2 sm:grid-cols-3">
        <Field error={errorOf("project_name")} hint={t.nameHint} id="project_name" label={t.name}>
          <TextInput {...about("project_name")} />
        </Field>
        <Field error={errorOf("tags")} hint={t.tagsHint} id="tags" label={t.tags}>
          <TextInput {...about("tags")} />
        </Field>
        <Field error={errorOf("priority")} hint={t.priorityHint} id="priority" label={t.priority}>
          <Select {...about("priority")}>
            {t.priorities.split("|").map((name, i) => (
              <option key={name} value={i + 1}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <details className="group rounded-xl border border-line bg-surface" open={isLimited || undefined}>
        <summary className="flex min-h-11 cursor-pointer list-none items-center gap-1.5 rounded-xl px-3 font-medium text-ink-2 text-sm hover:text-ink">
          <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
          {more === undefined ? t.limits : t.limitsAndStart}
        </summary>
        <div className="grid gap-2 border-line border-t p-4">
          {more}
          <p className="text-ink-2 text-sm">{t.limitsText}</p>
          <div className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
            {LIMIT_FIELDS.map((field) => (
              <Field
                error={errorOf(field)}
                hint={<LimitHint field={field} pipeline={pipeline} typed={draft[field]} />}
                id={field}
                key={field}
                label={t[field]}
              >
                <TextInput {...about(field)} inputMode={field === "cost_usd" ? "decimal" : "numeric"} />
              </Field>
            ))}
          </div>
        </div>
      </details>
    </>
  );
}

/** What a number of seconds comes to, or how much the pipeline allows. */
function LimitHint({
  field,
  typed,
  pipeline,
}: {
  field: LimitField;
  typed: string;
  pipeline: PipelineInfo | undefined;
}) {
  const t = useMessages(messages);
  const lang = useLang();
  const shown = (value: number) => {
    if (field === "seconds") return formatDuration(value, lang);
    return field === "cost_usd" ? formatCost(value, lang) : formatNumber(value, lang);
  };
  const allowed = pipeline?.limits?.[field];
  const value = Number(typed);
  if (field === "seconds" && typed.trim() !== "" && value > 0) return shown(value);
  return allowed === undefined ? t.noLimit : t.pipelineLimit(shown(allowed));
}

/** From this share of the limit on, the form shows how much there is. */
const NEAR = 0.8;

function RequirementHint({ text, isOptional }: { text: string; isOptional: boolean }) {
  const t = useMessages(messages);
  const lang = useLang();
  const size = utf8Bytes(text.trim());
  if (size < LIMITS.requirement * NEAR) return isOptional ? t.requirementOptional : t.requirementHint;
  return (
    <span className="tabular">
      {t.size(formatNumber(size, lang), formatNumber(LIMITS.requirement, lang))}
    </span>
  );
}

export function useProblemText(): (problem: Problem) => string {
  const t = useMessages(messages);
  const lang = useLang();
  const number = (value: number) => formatNumber(value, lang);
  return (problem) => {
    switch (problem.kind) {
      case "missing":
        return t.requirementMissing;
      case "number":
        return t.notANumber;
      case "time":
        return t.notATime;
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
