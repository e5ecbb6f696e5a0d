import { useMutation, useQueryClient } from "@tanstack/react-query";
import { DraftNote, useKeptDraft } from "../../components/kept-draft.tsx";
import { Checkbox } from "../../components/ui/checkbox.tsx";
import { describedBy, Field, Select, TextInput } from "../../components/ui/field.tsx";
import { FormEnd, useSubmit } from "../../components/ui/form.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { useApi } from "../../lib/api.ts";
import { issuesByField, issuesOf } from "../../lib/errors.ts";
import { messages } from "./messages.ts";
import { BUILD_EVENTS, EVENTS, type Webhook } from "./use-webhooks.ts";

export interface WebhookFormProps {
  webhook: Webhook | undefined;
  /** The secret is that of a new one. */
  onDone: (secret: string | undefined) => void;
}

/** Makes a webhook, or changes the one that is given. */
export function WebhookForm({ webhook, onDone }: WebhookFormProps) {
  const t = useMessages(messages);
  const textOf = useErrorText();
  const { draft, set, ...kept } = useKeptDraft("draft.webhook", () => ({
    url: webhook?.url ?? "",
    description: webhook?.description ?? "",
    events: webhook?.events ?? [...BUILD_EVENTS],
    pipelines: webhook?.pipelines?.join(", ") ?? "",
    format: webhook?.format ?? "standard",
  }));
  const save = useSave(webhook, (secret) => {
    kept.done();
    onDone(secret);
  });
  const missing = {
    ...(draft.url.trim() === "" && { url: t.addressMissing }),
    ...(draft.events.length === 0 && { events: t.eventsMissing }),
  };
  const { form, tried } = useSubmit({
    error: save.error,
    isPending: save.isPending,
    isRight: Object.keys(missing).length === 0,
    send: () => {
      const named = draft.pipelines.split(/[\s,，、]+/).filter(Boolean);
      save.mutate({
        url: draft.url.trim(),
        description: draft.description.trim(),
        events: draft.events,
        format: draft.format,
        ...(named.length > 0 && { pipelines: named }),
      });
    },
  });
  const errors: Partial<Record<string, string>> = {
    ...issuesByField(issuesOf(save.error)),
    ...(tried && missing),
  };
  const isShown = Object.keys(errors).some((field) => Object.hasOwn(draft, field));
  const about = (field: "url" | "description" | "pipelines") => ({
    id: `webhook-${field}`,
    "aria-describedby": describedBy(`webhook-${field}`),
    "aria-invalid": errors[field] !== undefined,
    onChange: (event: { target: { value: string } }) => set({ [field]: event.target.value }),
    value: draft[field],
  });
  return (
    <form className="grid grid-cols-1 gap-2" {...form}>
      <Field error={errors.url} hint={t.addressHint} id="webhook-url" label={t.address}>
        <TextInput {...about("url")} inputMode="url" maxLength={2000} required type="url" />
      </Field>
      <Field error={errors.description} id="webhook-description" label={t.description}>
        <TextInput {...about("description")} maxLength={200} />
      </Field>
      <fieldset className="grid gap-x-4 sm:grid-cols-2">
        <legend className="mb-1 font-medium text-sm">{t.events}</legend>
        {EVENTS.map((event) => (
          // biome-ignore lint/a11y/noLabelWithoutControl: the checkbox is its control
          <label className="flex min-h-9 items-center gap-2 text-sm max-sm:min-h-11" key={event}>
            <Checkbox
              checked={draft.events.includes(event)}
              label={t[event]}
              onCheckedChange={(on) =>
                set({ events: EVENTS.filter((one) => (one === event ? on : draft.events.includes(one))) })
              }
            />
            {t[event]}
            <code className="font-mono text-ink-3 text-xs">{event}</code>
          </label>
        ))}
        {errors.events !== undefined && (
          <p className="text-bad text-xs" role="alert">
            {errors.events}
          </p>
        )}
      </fieldset>
      <div className="mt-1 grid gap-x-4 sm:grid-cols-2">
        <Field error={errors.pipelines} hint={t.pipelinesHint} id="webhook-pipelines" label={t.pipelines}>
          <TextInput {...about("pipelines")} />
        </Field>
        <Field id="webhook-format" label={t.format}>
          <Select
            id="webhook-format"
            onChange={(event) => set({ format: event.target.value === "slack" ? "slack" : "standard" })}
            value={draft.format}
          >
            <option value="standard">{t.standard}</option>
            <option value="slack">{t.slack}</option>
          </Select>
        </Field>
      </div>
      <FormEnd
        error={save.error && !isShown ? textOf(save.error) : ""}
        isPending={save.isPending}
        label={save.isPending ? t.saving : t.save}
      >
        <DraftNote {...kept} />
      </FormEnd>
    </form>
  );
}

function useSave(webhook: Webhook | undefined, onDone: WebhookFormProps["onDone"]) {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (fields: Pick<Webhook, "url" | "description" | "events" | "format" | "pipelines">) => {
      if (webhook === undefined) return (await api.webhooks.create(fields)).secret;
      const { pipelines = null } = fields;
      await api.webhooks.update({ webhook_id: webhook.webhook_id, ...fields, pipelines });
      return undefined;
    },
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: ["webhooks"] }),
  });
}
