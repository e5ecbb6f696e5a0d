import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { projectInputQuery, projectQuery, useApi } from "../../lib/api.ts";
import { forget, keep, readKept } from "../../lib/storage.ts";
import { type Draft, draftOf, EMPTY, fieldsIn, isDraft } from "./input.ts";

const KEY = "draft";

export function forgetDraft(): void {
  forget(KEY);
}

/**
 * The form as it stands: what the address fills in (`from`, a build to be made again, and fields of their own), else what
 * the reader had typed before going elsewhere. Undefined while that build is read.
 */
export function useDraft(): {
  draft: Draft | undefined;
  setDraft: (draft: Draft) => void;
  from: string | undefined;
} {
  const search: Readonly<Record<string, unknown>> = useSearch({ strict: false });
  const from = typeof search.from === "string" ? search.from : undefined;
  const api = useApi();
  const { data: source, error } = useQuery({ ...projectQuery(api, from ?? ""), enabled: from !== undefined });
  const given = useQuery({ ...projectInputQuery(api, from ?? ""), enabled: from !== undefined });
  const filled = fieldsIn(search);
  const isFilled = from !== undefined || Object.keys(filled).length > 0;
  const [typed, setTyped] = useState<{ of: string; draft: Draft }>();
  const of = JSON.stringify(search);
  const initial = (): Draft | undefined => {
    // A build that is gone: the form is there all the same.
    if (from !== undefined && ((!source && !error) || given.isPending)) return undefined;
    if (isFilled) return { ...(source ? draftOf(source, given.data?.input) : EMPTY), ...filled };
    return readKept(KEY, isDraft) ?? EMPTY;
  };
  // Another address fills the form in anew.
  const draft = typed?.of === of ? typed.draft : initial();
  useEffect(() => {
    if (typed !== undefined) keep(KEY, typed.draft);
  }, [typed]);
  return { draft, setDraft: (next) => setTyped({ of, draft: next }), from };
}
