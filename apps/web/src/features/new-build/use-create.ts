import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { type PipelineInfo, useApi } from "../../lib/api.ts";
import { newId } from "../../lib/new-id.ts";
import { showProject } from "../../live/cache.ts";
import { forgetDraft } from "./draft.ts";
import { type Draft, inputOf } from "./input.ts";
import { rememberRequirement } from "./recent.ts";

/** Starts a build and goes to its page, which is there at once. */
export function useCreate() {
  const api = useApi();
  const queries = useQueryClient();
  const navigate = useNavigate();
  /** The same for the same form: when an answer is lost, sending it again starts no second build. */
  const key = useRef({ of: "", key: "" });
  return useMutation({
    mutationFn: ({ draft, pipeline }: { draft: Draft; pipeline: PipelineInfo | undefined }) => {
      const of = JSON.stringify(draft);
      if (key.current.of !== of) key.current = { of, key: newId() };
      return api.projects.create({ ...inputOf(draft, pipeline), idempotency_key: key.current.key });
    },
    onSuccess: (project) => {
      if (project.requirement.trim() !== "") rememberRequirement(project.requirement);
      forgetDraft();
      showProject(queries, project);
      return navigate({ to: "/builds/$projectId", params: { projectId: project.project_id } });
    },
  });
}
