import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { describedBy, Field, Select } from "../../components/ui/field.tsx";
import { localised } from "../../i18n/common.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { type PipelineInfo, pipelinesQuery, useApi } from "../../lib/api.ts";
import { graphOf } from "../../lib/stage-graph.ts";
import { messages } from "./messages.ts";

export interface PipelineFieldProps {
  value: string;
  onChange: (event: { target: { value: string } }) => void;
  error: string | undefined;
}

/** Which pipeline, and below it what its stages are. */
export function PipelineField({ value, onChange, error }: PipelineFieldProps) {
  const t = useMessages(messages);
  const api = useApi();
  const { data } = useQuery(pipelinesQuery(api));
  const pipelines = data?.items ?? [];
  const chosen = pipelines.find(({ name }) => name === value);
  return (
    <Field error={error} hint={chosen && <Stages pipeline={chosen} />} id="pipeline" label={t.pipeline}>
      <Select
        aria-describedby={describedBy("pipeline")}
        aria-invalid={error !== undefined}
        id="pipeline"
        onChange={onChange}
        value={value}
      >
        {chosen === undefined && <option value={value}>{value}</option>}
        {pipelines.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </Select>
    </Field>
  );
}

function Stages({ pipeline }: { pipeline: PipelineInfo }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { stages } = pipeline;
  const { columns, places } = useMemo(() => graphOf(stages), [stages]);
  const namesIn = (column: number) =>
    stages
      .filter((_, i) => places[i]?.column === column)
      .map(({ stage, stage_name }) => localised(stage_name, lang, stage));
  const order = Array.from({ length: columns }, (_, column) => namesIn(column).join(" + ")).join(" → ");
  const description = localised(pipeline.description, lang, "");
  return (
    <>
      {description !== "" && <span className="mb-0.5 block">{description}</span>}
      {t.stages(stages.length)}: {order}
    </>
  );
}
