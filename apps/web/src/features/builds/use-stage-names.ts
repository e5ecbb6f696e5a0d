import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { localised } from "../../i18n/common.ts";
import { useLang } from "../../i18n/lang.ts";
import { type ProjectSummary, pipelinesQuery, useApi } from "../../lib/api.ts";

/** What the current stage of a build is called: in the reader's language where its pipeline says so, else its key. */
export function useStageNames(): (build: ProjectSummary) => string | undefined {
  const api = useApi();
  const lang = useLang();
  const { data } = useQuery(pipelinesQuery(api));
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
