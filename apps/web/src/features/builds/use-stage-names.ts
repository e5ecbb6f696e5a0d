import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { localised } from "../../i18n/common.ts";
import { useLang } from "../../i18n/lang.ts";
import { type ProjectSummary, useTRPC } from "../../lib/trpc.ts";

/** What the current stage of a build is called: in the reader's language where its pipeline says so, else its key. */
export function useStageNames(): (build: ProjectSummary) => string | undefined {
  const trpc = useTRPC();
  const lang = useLang();
  const { data } = useQuery(trpc.pipelines.list.queryOptions({ limit: 100 }, { staleTime: 600_000 }));
  return useCallback(
    ({ pipeline, current_stage }) => {
      if (current_stage === undefined) return undefined;
      const stages = data?.items.find(({ name }) => name === pipeline)?.stages;
      const found = stages?.find(({ stage }) => stage === current_stage);
      return localised(found?.stage_name, lang, current_stage);
    },
    [data, lang],
  );
}
