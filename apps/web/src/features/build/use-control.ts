import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { toast } from "../../components/ui/toast.ts";
import { common } from "../../i18n/common.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type Project, useApi } from "../../lib/api.ts";
import { useListSearch } from "../../lib/builds-list.ts";
import { codeOf, mayPass } from "../../lib/errors.ts";
import { newId } from "../../lib/new-id.ts";
import { showProject } from "../../live/cache.ts";
import { messages } from "./messages.ts";
import { lostItsPipeline } from "./model/pipelines.ts";

/** A repeat carries the same `operation_id`, so that one whose answer was lost is harmless. */
const REPEAT = { retry: (count: number, error: unknown) => count < 2 && mayPass(error) };

/** Of one project, once. */
interface Control {
  readonly project_id: string;
  readonly operation_id: string;
}

interface Retry {
  readonly from_stage: string | undefined;
}

/** Everything that can be done to one build. Refusals are shown; the rest comes by the event stream. */
export function useControl(project: Project) {
  const api = useApi();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const listSearch = useListSearch();
  const errorText = useErrorText();
  const t = useMessages(messages);
  const c = useMessages(common);
  /** A retry that waits for the reader to say which pipeline is to run it. */
  const [asked, setAsked] = useState<Retry>();

  const handlers = (name: string) => ({
    ...REPEAT,
    onSuccess: (answer: Project) => showProject(queries, answer),
    onError: (error: unknown) => {
      toast.fail(t.failedTo(name), errorText(error));
    },
  });
  const pause = useMutation({
    mutationFn: (input: Control) => api.projects.pause(input),
    ...handlers(c.pause),
  });
  const resume = useMutation({
    mutationFn: (input: Control) => api.projects.resume(input),
    ...handlers(c.resume),
  });
  const cancel = useMutation({
    mutationFn: (input: Control) => api.projects.cancel(input),
    ...handlers(c.cancelBuild),
  });
  const retryHandlers = handlers(c.retry);
  const retry = useMutation({
    ...retryHandlers,
    mutationFn: (input: Parameters<typeof api.projects.retry>[0]) => api.projects.retry(input),
    onSuccess: (answer) => {
      setAsked(undefined);
      retryHandlers.onSuccess(answer);
    },
    onError: (error, { from_stage }) => {
      if (lostItsPipeline(codeOf(error))) setAsked({ from_stage });
      else retryHandlers.onError(error);
    },
  });
  const remove = useMutation({
    ...REPEAT,
    mutationFn: (input: Control) => api.projects.delete(input),
    onSuccess: () => {
      toast.say(t.deleted, project.project_name);
      void navigate({ to: "/", search: listSearch });
    },
    onError: (error) => {
      toast.fail(t.failedTo(c.delete), errorText(error));
    },
  });

  const ask = (from_stage?: string) => {
    retry.reset();
    setAsked({ from_stage });
  };
  const on = () => ({ project_id: project.project_id, operation_id: newId() });
  return {
    busy: [pause, resume, cancel, retry, remove].some(({ isPending }) => isPending),
    pause: () => pause.mutate(on()),
    resume: () => resume.mutate(on()),
    cancel: () => cancel.mutate(on()),
    /** Where the old pipeline is known to be of no use, the reader is asked for one first. */
    retry: (from_stage?: string) => {
      if (lostItsPipeline(project.error_info?.code)) ask(from_stage);
      else retry.mutate({ ...on(), ...(from_stage !== undefined && { from_stage }) });
    },
    ask,
    asked,
    dismiss: () => setAsked(undefined),
    /** Why the pipeline that was chosen is refused. */
    refusal: retry.error && lostItsPipeline(codeOf(retry.error)) ? errorText(retry.error) : undefined,
    retryWith: (pipeline: string) =>
      retry.mutate({
        ...on(),
        pipeline,
        ...(asked?.from_stage !== undefined && { from_stage: asked.from_stage }),
      }),
    remove: () => remove.mutate(on()),
  };
}

export type BuildControl = ReturnType<typeof useControl>;
