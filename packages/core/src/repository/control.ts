import {
  cancel,
  pause,
  type RetryIntent,
  remove,
  requireActive,
  requirePausable,
  resume,
  retry,
  type Control as Stamp,
} from "../commands/control.ts";
import { create, type StagePlan } from "../commands/create.ts";
import { StagefoldError } from "../errors.ts";
import { normalise } from "../legacy/normalise.ts";
import type { UpdatePatch } from "../patch/index.ts";
import {
  canonicalJson,
  idempotentProjectId,
  newOperationId,
  newProjectId,
  sha256Hex,
} from "../snapshot/ids.ts";
import type { CreateProjectInput } from "../snapshot/inputs.ts";
import { truncateUtf8 } from "../snapshot/limits.ts";
import type { Project } from "../snapshot/schema.ts";
import type { RepositoryContext } from "./context.ts";
import { notFound, optimisticWrite } from "./optimistic-write.ts";

/** What will run a project: a pipeline of a version, or, without one, a program with stages of its own. */
export interface Plan {
  readonly pipeline?: string | undefined;
  readonly pipeline_version?: string | undefined;
  readonly stages: readonly StagePlan[];
}

/** The writes of those who watch: top-level fields alone, no lease needed. */
export class Control {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** A new project, or with an idempotency key the one that was made before. Errors: IDEMPOTENCY_MISMATCH. */
  async create(input: CreateProjectInput, plan: Plan): Promise<Project> {
    const { idempotency_key, ...request } = input;
    const key = idempotency_key;
    const id = key === undefined ? newProjectId() : await idempotentProjectId(input.user_id, key);
    const request_hash = key === undefined ? undefined : await sha256Hex(canonicalJson(request));
    const at = this.#context.now();
    const patch = create(
      {
        ...plan,
        project_id: id,
        requirement: input.requirement,
        project_name: input.project_name ?? nameFrom(input.requirement),
        user_id: input.user_id,
        user_name: input.user_name,
        agent_id: input.agent_id,
        tags: input.tags ?? [],
        priority: input.priority ?? 3,
        request_hash,
      },
      at,
    );
    const written = await this.#context.store.write(patch);
    if (!written.item) throw notFound(id);
    const project = normalise(written.item);
    if (
      !written.ok &&
      !(request_hash === undefined ? project.created_at === at : project.request_hash === request_hash)
    )
      throw new StagefoldError("IDEMPOTENCY_MISMATCH", "This idempotency_key was used with another input.", {
        project_id: id,
      });
    this.#context.changed(project);
    return project;
  }

  pause(projectId: string, operationId?: string): Promise<Project> {
    return this.#write("pause", projectId, operationId, (known, stamp) => {
      if (known) requirePausable(known);
      return pause(projectId, stamp);
    });
  }

  cancel(projectId: string, operationId?: string): Promise<Project> {
    return this.#write("cancel", projectId, operationId, (known, stamp) => {
      if (known) requireActive(known);
      return cancel(projectId, stamp);
    });
  }

  resume(projectId: string, operationId?: string): Promise<Project> {
    return this.#write("resume", projectId, operationId, (known, stamp) => {
      if (!known) throw notFound(projectId);
      return resume(known, stamp, this.#context.leaseMs);
    });
  }

  retry(projectId: string, intent: RetryIntent, operationId?: string): Promise<Project> {
    return this.#write("retry", projectId, operationId, (known, stamp) => {
      if (!known) throw notFound(projectId);
      return retry(known, intent, stamp);
    });
  }

  /** Removes the item, then what the store keeps of it. Errors: PROJECT_NOT_FOUND. */
  async delete(projectId: string): Promise<void> {
    const written = await this.#context.store.write(remove(projectId));
    if (!written.ok) throw notFound(projectId);
    this.#context.deleted(projectId);
    await this.#context.files.artifacts.removeProject(projectId);
  }

  async #write(
    kind: "pause" | "cancel" | "resume" | "retry",
    projectId: string,
    operationId: string | undefined,
    decide: (known: Project | undefined, stamp: Stamp) => UpdatePatch,
  ): Promise<Project> {
    // With the kind: an operation_id that is used for something else is not that operation again.
    const stamp = { op: `${kind} ${operationId ?? newOperationId()}`, at: this.#context.now() };
    const isOwnWrite = (item: Project) => item.control?.op === stamp.op;
    const known = this.#context.cache.get(projectId);
    const project = await optimisticWrite(this.#context.store, {
      project_id: projectId,
      known,
      isOwnWrite,
      // The repeat of an operation that took effect is not refused for the state that it led to.
      decide: (latest) => decide(latest && isOwnWrite(latest) ? undefined : latest, stamp),
    });
    this.#context.changed(project);
    return project;
  }
}

/** A name for people, from the first line of the requirement. */
function nameFrom(requirement: string): string {
  const line = requirement.trim().split(/\r?\n/, 1)[0] ?? "";
  return truncateUtf8(line, 80);
}
