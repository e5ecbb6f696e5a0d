import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { localised } from "../../i18n/common.ts";
import { useLang } from "../../i18n/lang.ts";
import { type Project, type Stage, useTRPC } from "../../lib/trpc.ts";

/** What a stage is called in the reader's language: by its pipeline's description, else as the item says. */
export type StageName = (stage: Pick<Stage, "stage" | "stage_name">) => string;

export function useStageNames(pipeline: Project["pipeline"]): StageName {
  const trpc = useTRPC();
  const lang = useLang();
  const { data } = useQuery(trpc.pipelines.list.queryOptions({ limit: 100 }, { staleTime: 300_000 }));
  return useMemo(() => {
    const stages = data?.items.find(({ name }) => name === pipeline)?.stages ?? [];
    const names = new Map(stages.map(({ stage, stage_name }) => [stage, stage_name]));
    return ({ stage, stage_name }) => localised(names.get(stage), lang, stage_name || stage);
  }, [data, pipeline, lang]);
}
