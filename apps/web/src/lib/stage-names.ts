import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { localised } from "../i18n/common.ts";
import { useLang } from "../i18n/lang.ts";
import { pipelinesQuery, useApi } from "./api.ts";

/**
 * What a stage is called in the reader's language, where the description of its pipeline says so; else `otherwise`.
 * Without a pipeline: as any pipeline calls it.
 */
export type StageNames = (pipeline: string | undefined, stage: string, otherwise: string) => string;

export function useStageNames(): StageNames {
  const lang = useLang();
  const { data } = useQuery(pipelinesQuery(useApi()));
  return useMemo(() => {
    const byPipeline = new Map(
      (data?.items ?? []).map(({ name, stages }) => [
        name,
        new Map(stages.map(({ stage, stage_name }) => [stage, stage_name])),
      ]),
    );
    const anywhere = new Map([...byPipeline.values()].flatMap((names) => [...names]));
    return (pipeline, stage, otherwise) => {
      const names = pipeline === undefined ? anywhere : byPipeline.get(pipeline);
      return localised(names?.get(stage), lang, otherwise);
    };
  }, [data, lang]);
}
