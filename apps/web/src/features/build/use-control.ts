import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useToast } from "../../components/ui/toast.tsx";
import { common } from "../../i18n/common.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { codeOf, mayPass } from "../../lib/errors.ts";
import { type Project, useTRPC } from "../../lib/trpc.ts";
import { showProject } from "../../live/cache.ts";
import { messages } from "./messages.ts";
import { lostItsPipeline } from "./model/pipelines.ts";

/** A repeat carries the same `operation_id`, so that one whose answer was lost is harmless. */
const REPEAT = { retry: (count: number, error: unknown) => count < 2 && mayPass(error) };

interface Retry {
  readonly from_stage: string | undefined;
}

/** Everything that can be done to one build. Refusals are shown; the page hears of the rest by itself. */
export function useControl(project: Project) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const errorText = useErrorText();
  const t = useMessages(messages);
  const c = useMessages(common);
  /** A retry that waits for the reader to say which pipeline is to run it. */
  const [asked, setAsked] = useState<Retry>();

  const handlers = (name: string) => ({
    ...REPEAT,
    onSuccess: (answer: Project) => showProject({ queries, trpc }, answer),
    onError: (error: unknown) => {
      toast.fail(t.failedTo(name), errorText(error));
    },
  });
  const pause = useMutation(trpc.projects.pause.mutationOptions(handlers(c.pause)));
  const resume = useMutation(trpc.projects.resume.mutationOptions(handlers(c.resume)));
  const cancel = useMutation(trpc.projects.cancel.mutationOptions(handlers(c.cancelBuild)));
  const retryHandlers = handlers(c.retry);
  const retry = useMutation(
    trpc.projects.retry.mutationOptions({
      ...retryHandlers,
      onSuccess: (answer) => {
        setAsked(undefined);
        retryHandlers.onSuccess(answer);
      },
      onError: (error, { from_stage }) => {
        if (lostItsPipeline(codeOf(error))) setAsked({ from_stage });
        else retryHandlers.onError(error);
      },
    }),
  );
  const remove = useMutation(
    trpc.projects.delete.mutationOptions({
      ...REPEAT,
      onSuccess: () => {
        toast.say(t.deleted, project.project_name);
        void navigate({ to: "/", search: {} });
      },
      onError: (error) => {
        toast.fail(t.failedTo(c.delete), errorText(error));
      },
    }),
  );

  const ask = (from_stage?: string) => {
    retry.reset();
    setAsked({ from_stage });
  };
  const on = () => ({ project_id: project.project_id, operation_id: crypto.randomUUID() });
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
