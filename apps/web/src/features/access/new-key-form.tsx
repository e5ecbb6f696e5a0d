import { useMutation, useQueryClient } from "@tanstack/react-query";
import { DraftNote, useKeptDraft } from "../../components/kept-draft.tsx";
import { describedBy, Field, Select, TextInput } from "../../components/ui/field.tsx";
import { FormEnd, useSubmit } from "../../components/ui/form.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type Inputs, useApi } from "../../lib/api.ts";
import { issuesByField, issuesOf } from "../../lib/errors.ts";
import { messages } from "./messages.ts";

type NewKey = Inputs["keys"]["create"];
const ROLES = ["viewer", "member", "operator", "runner", "admin"] as const satisfies NewKey["role"][];
const DAYS = [30, 90, 365];
const DAY_MS = 86_400_000;

/** Asks for what a key needs, and hands over the key that comes of it. */
export function NewKeyForm({ onIssued }: { onIssued: (key: string) => void }) {
  const t = useMessages(messages);
  const api = useApi();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { draft, set, ...kept } = useKeptDraft("draft.key", () => ({
    name: "",
    role: "member" as NewKey["role"],
    user: "",
    pipelines: "",
    days: "",
  }));
  const create = useMutation({
    mutationFn: () => api.keys.create(inputOf(draft)),
    onSuccess: ({ key }) => {
      kept.done();
      onIssued(key);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  const isNamed = draft.name.trim() !== "";
  const { form, tried } = useSubmit({
    error: create.error,
    isPending: create.isPending,
    isRight: isNamed,
    send: () => create.mutate(),
  });
  const errors: Partial<Record<string, string>> =
    tried && !isNamed ? { name: t.nameMissing } : byOwnField(issuesByField(issuesOf(create.error)));
  const about = (field: "name" | "role" | "user" | "pipelines" | "days") => ({
    id: `key-${field}`,
    "aria-describedby": describedBy(`key-${field}`),
    "aria-invalid": errors[field] !== undefined,
    value: draft[field],
    onChange: (event: { target: { value: string } }) => set({ [field]: event.target.value }),
  });
  return (
    <form className="grid gap-2" {...form}>
      <Field error={errors.name} hint={t.nameHint} id="key-name" label={t.name}>
        <TextInput {...about("name")} maxLength={64} required />
      </Field>
      <Field error={errors.role} id="key-role" label={t.role}>
        <Select {...about("role")}>
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {t[`role_${role}`]}
            </option>
          ))}
        </Select>
      </Field>
      {draft.role === "runner" && (
        <Field error={errors.pipelines} hint={t.pipelinesHint} id="key-pipelines" label={t.pipelines}>
          <TextInput {...about("pipelines")} />
        </Field>
      )}
      <div className="grid gap-x-4 sm:grid-cols-2">
        <Field error={errors.user} hint={t.userHint} id="key-user" label={t.user}>
          <TextInput {...about("user")} maxLength={256} />
        </Field>
        <Field error={errors.days} id="key-days" label={t.validFor}>
          <Select {...about("days")}>
            <option value="">{t.forever}</option>
            {DAYS.map((days) => (
              <option key={days} value={days}>
                {t.days(days)}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <FormEnd
        error={create.error && Object.keys(errors).length === 0 ? textOf(create.error) : ""}
        isPending={create.isPending}
        label={create.isPending ? t.creating : t.create}
      >
        <DraftNote {...kept} />
      </FormEnd>
    </form>
  );
}

function inputOf({
  name,
  role,
  user,
  pipelines,
  days,
}: {
  name: string;
  role: NewKey["role"];
  user: string;
  pipelines: string;
  days: string;
}): NewKey {
  const named = pipelines.split(/[\s,，、]+/).filter(Boolean);
  return {
    name: name.trim(),
    role,
    ...(user.trim() !== "" && { user_id: user.trim() }),
    ...(role === "runner" && named.length > 0 && { pipelines: named }),
    ...(days !== "" && { valid_until: new Date(Date.now() + Number(days) * DAY_MS).toISOString() }),
  };
}

const FIELDS: Readonly<Record<string, "name" | "role" | "user" | "pipelines" | "days">> = {
  name: "name",
  role: "role",
  user_id: "user",
  pipelines: "pipelines",
  valid_until: "days",
};

/** Beside the fields of the form, some of which have other names. */
function byOwnField(issues: Partial<Record<string, string>>): Partial<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(FIELDS).flatMap(([name, field]) =>
      issues[name] === undefined ? [] : [[field, issues[name]]],
    ),
  );
}
