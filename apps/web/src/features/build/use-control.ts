import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useToast } from "../../components/ui/toast.tsx";
import { common } from "../../i18n/common.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { mayPass } from "../../lib/errors.ts";
import { type Project, useTRPC } from "../../lib/trpc.ts";
import { showProject } from "../../live/cache.ts";
import { messages } from "./messages.ts";

/** A repeat carries the same `operation_id`, so that one whose answer was lost is harmless. */
const REPEAT = { retry: (count: number, error: unknown) => count < 2 && mayPass(error) };

/** Everything that can be done to one build. Refusals are shown; the page hears of the rest by itself. */
export function useControl(project: Project) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const errorText = useErrorText();
  const t = useMessages(messages);
  const c = useMessages(common);

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
  const retry = useMutation(trpc.projects.retry.mutationOptions(handlers(c.retry)));
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

  const on = () => ({ project_id: project.project_id, operation_id: crypto.randomUUID() });
  return {
    busy: [pause, resume, cancel, retry, remove].some(({ isPending }) => isPending),
    pause: () => pause.mutate(on()),
    resume: () => resume.mutate(on()),
    cancel: () => cancel.mutate(on()),
    retry: (from_stage?: string) =>
      retry.mutate({ ...on(), ...(from_stage !== undefined && { from_stage }) }),
    remove: () => remove.mutate(on()),
  };
}

export type BuildControl = ReturnType<typeof useControl>;
