import { useMessages } from "../../i18n/lang.ts";
import { Checkbox } from "../ui/checkbox.tsx";
import { describedBy, Field as FieldBox, Select, TextArea, TextInput } from "../ui/field.tsx";
import { messages } from "./messages.ts";
import type { Entries, Entry, Field, Problem } from "./model.ts";

export interface SchemaFieldsProps {
  /** Unique on the page; the controls have it before their keys. */
  id: string;
  fields: readonly Field[];
  entries: Entries;
  onChange: (key: string, entry: Entry) => void;
  /** What is wrong, by key: as the form sees it, or in the API's words. */
  problems: Readonly<Record<string, Problem | { readonly said: string }>>;
}

/** The controls of a JSON Schema. */
export function SchemaFields({ fields, ...rest }: SchemaFieldsProps) {
  return fields.map((field) =>
    field.kind === "group" ? (
      <fieldset className="grid gap-2 border-line border-l-2 pl-3" key={field.key}>
        <legend className="mb-1 font-medium text-sm">{field.label}</legend>
        <SchemaFields {...rest} fields={field.fields} />
      </fieldset>
    ) : (
      <Control field={field} key={field.key} {...rest} />
    ),
  );
}

function Control({
  id: form,
  field,
  entries,
  onChange,
  problems,
}: Omit<SchemaFieldsProps, "fields"> & { field: Field }) {
  const t = useMessages(messages);
  const { key, kind, options, required } = field;
  const id = `${form}-${key}`;
  const entry = entries[key] ?? field.initial;
  const problem = problems[key];
  const error =
    problem === undefined ? undefined : typeof problem === "string" ? said(problem, field, t) : problem.said;
  const label = field.label || t.value;
  const refusal = error !== undefined && (
    <p className="text-bad text-xs" role="alert">
      {error}
    </p>
  );
  if (kind === "boolean")
    return (
      <div>
        {/* biome-ignore lint/a11y/noLabelWithoutControl: the checkbox is its control */}
        <label className="flex min-h-8 items-center gap-2 text-sm max-sm:min-h-11">
          <Checkbox checked={entry === true} label={label} onCheckedChange={(on) => onChange(key, on)} />
          {label}
          {field.hint !== undefined && <span className="text-ink-3 text-xs">{field.hint}</span>}
        </label>
        {refusal}
      </div>
    );
  if (kind === "choices")
    return (
      <fieldset className="grid gap-1">
        <legend className="font-medium text-sm">{label}</legend>
        {options.map((option, i) => {
          const on = Array.isArray(entry) ? entry : [];
          const here = String(i);
          return (
            // biome-ignore lint/a11y/noLabelWithoutControl: the checkbox is its control
            <label className="flex min-h-7 items-center gap-2 text-sm max-sm:min-h-11" key={option.label}>
              <Checkbox
                checked={on.includes(here)}
                label={option.label}
                onCheckedChange={(next) =>
                  onChange(key, next ? [...on, here].sort() : on.filter((one: string) => one !== here))
                }
              />
              {option.label}
            </label>
          );
        })}
        {refusal}
      </fieldset>
    );
  const common = {
    id,
    "aria-describedby": describedBy(id),
    "aria-invalid": error !== undefined,
    required,
    value: typeof entry === "string" ? entry : "",
    onChange: (event: { target: { value: string } }) => onChange(key, event.target.value),
  };
  const hint = field.hint ?? (kind === "lines" ? t.linesHint : kind === "json" ? t.jsonHint : undefined);
  return (
    <FieldBox error={error} hint={hint} id={id} label={label}>
      {kind === "choice" ? (
        <Select {...common}>
          <option value="">{t.choose}</option>
          {options.map((option, i) => (
            <option key={option.label} value={i}>
              {option.label}
            </option>
          ))}
        </Select>
      ) : kind === "long" || kind === "lines" || kind === "json" ? (
        <TextArea
          {...common}
          className={kind === "json" ? "font-mono text-xs" : ""}
          maxLength={field.maxLength}
          rows={3}
        />
      ) : (
        <TextInput
          {...common}
          inputMode={kind === "number" ? "decimal" : kind === "integer" ? "numeric" : undefined}
          maxLength={field.maxLength}
        />
      )}
    </FieldBox>
  );
}

function said(problem: Problem, { min, max }: Field, t: (typeof messages)["en"]): string {
  switch (problem) {
    case "least":
      return t.least(min ?? 0);
    case "most":
      return t.most(max ?? 0);
    default:
      return t[problem];
  }
}
