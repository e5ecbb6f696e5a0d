import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { showProject } from "../../live/cache.ts";
import { type Draft, inputOf } from "./input.ts";
import { rememberRequirement } from "./recent.ts";

/** Starts a build and goes to its page, which is there at once. */
export function useCreate() {
  const client = useTRPCClient();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const navigate = useNavigate();
  /** The same for the same form: when an answer is lost, sending it again starts no second build. */
  const key = useRef({ of: "", key: "" });
  return useMutation({
    mutationFn: (draft: Draft) => {
      const of = JSON.stringify(draft);
      if (key.current.of !== of) key.current = { of, key: crypto.randomUUID() };
      return client.projects.create.mutate(inputOf(draft, key.current.key));
    },
    onSuccess: (project) => {
      rememberRequirement(project.requirement);
      showProject({ queries, trpc }, project);
      return navigate({ to: "/builds/$projectId", params: { projectId: project.project_id } });
    },
  });
}
