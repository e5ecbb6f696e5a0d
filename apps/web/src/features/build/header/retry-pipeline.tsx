import { useQuery } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { Dialog } from "../../../components/ui/dialog.tsx";
import { describedBy, Field, Select } from "../../../components/ui/field.tsx";
import { common } from "../../../i18n/common.ts";
import { useMessages } from "../../../i18n/lang.ts";
import { type Project, pipelinesQuery, useApi } from "../../../lib/api.ts";
import { messages } from "../messages.ts";
import { choicesFor } from "../model/pipelines.ts";
import type { BuildControl } from "../use-control.ts";

/** Asks which pipeline is to run a build whose own has other stages by now. */
export function RetryPipeline({ project, control }: { project: Project; control: BuildControl }) {
  const t = useMessages(messages);
  return (
    <Dialog
      onOpenChange={(open) => !open && control.dismiss()}
      open={control.asked !== undefined}
      title={t.retryWithTitle}
    >
      <Choose control={control} project={project} />
    </Dialog>
  );
}

function Choose({ project, control }: { project: Project; control: BuildControl }) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const api = useApi();
  // What has changed is the pipelines themselves: those that were read before are of no use.
  const { data, isPending } = useQuery({ ...pipelinesQuery(api), refetchOnMount: "always" });
  const [picked, setPicked] = useState<string>();
  if (isPending) return <p role="status">{c.loading}</p>;
  const choices = choicesFor(project, data?.items ?? []);
  const chosen = choices.find(({ name }) => name === picked) ?? choices[0];
  const stages = project.stages_snapshot.stages.map(({ stage }) => stage).join(" → ");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (chosen) control.retryWith(chosen.name);
  };
  return (
    <form className="grid gap-3" onSubmit={submit}>
      <p className="text-ink-2 text-sm">{t.retryWithText}</p>
      <Field
        error={control.refusal}
        hint={choices.some(({ fits }) => fits) ? t.needsStages(stages) : t.noneFits(stages)}
        id="retry-pipeline"
        label={t.pipeline}
      >
        <Select
          aria-describedby={describedBy("retry-pipeline")}
          aria-invalid={control.refusal !== undefined}
          id="retry-pipeline"
          onChange={(event) => setPicked(event.target.value)}
          value={chosen?.name}
        >
          {choices.map(({ name, fits }) => (
            <option key={name} value={name}>
              {fits ? name : t.otherStages(name)}
            </option>
          ))}
        </Select>
      </Field>
      <div className="flex justify-end gap-2">
        <Button onClick={control.dismiss}>{c.back}</Button>
        <Button disabled={control.busy || !chosen} focusableWhenDisabled look="primary" type="submit">
          <RotateCcw aria-hidden className="size-4" />
          {c.retry}
        </Button>
      </div>
    </form>
  );
}
