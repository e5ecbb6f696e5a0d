import { agentIdOfBuild } from "../agents/ids.ts";
import { type AnswerIntent, answer } from "../commands/answer.ts";
import { cancel, deleteEnded, deleteProject, pause, resume } from "../commands/control.ts";
import { type Asker, requireOwner, type Control as Stamp } from "../commands/control-patch.ts";
import { create, type StagePlan, type StoredInput } from "../commands/create.ts";
import { type RetryIntent, retry } from "../commands/retry.ts";
import { StagefoldError } from "../errors.ts";
import { normalise } from "../legacy/normalise.ts";
import type { Item, UpdatePatch } from "../patch/index.ts";
import {
  canonicalJson,
  idempotentProjectId,
  newOperationId,
  newProjectId,
  projectIdSchema,
  sha256Hex,
} from "../snapshot/ids.ts";
import type { CreateProjectInput } from "../snapshot/inputs.ts";
import { LIMITS, truncateUtf8, utf8Bytes } from "../snapshot/limits.ts";
import type { Project } from "../snapshot/schema.ts";
import { inNaturalOrder } from "../snapshot/storable.ts";
import type { RepositoryContext } from "./context.ts";
import { ifGone, notFound, optimisticWrite, updateProject } from "./optimistic-write.ts";

/** A lease owner may write between the read and the write of a command. */
const MAX_RETRIES = 5;

/** What will run a project: a pipeline of a version, or, without one, a program with stages of its own. */
export interface Plan {
  readonly pipeline?: string | undefined;
  readonly pipeline_version?: string | undefined;
  /** Its builds make an agent: one that names none makes a new one. */
  readonly publishes?: "agent" | undefined;
  readonly stages: readonly StagePlan[];
}

/** What a retry may change. */
export type RetryRequest = Omit<RetryIntent, "input"> & {
  readonly input?: Readonly<Record<string, unknown>> | undefined;
};

/** The writes of those who watch: top-level fields alone, no lease needed. */
export class Control {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** A new project, or with an idempotency key the one that was made before. Errors: IDEMPOTENCY_MISMATCH. */
  async create(input: CreateProjectInput, plan: Plan, asker: Asker = {}): Promise<Project> {
    return (await this.createOnce(input, plan, asker)).project;
  }

  /**
   * The same, and whether it was there already: a key finds its project for as long as that exists. `traceparent` is of
   * the request and no part of what is asked for: a repeat may have another.
   */
  async createOnce(
    input: CreateProjectInput,
    plan: Plan,
    asker: Asker = {},
    traceparent?: string,
  ): Promise<{ readonly project: Project; readonly again: boolean }> {
    const key = input.idempotency_key;
    const id = key === undefined ? newProjectId() : await idempotentProjectId(input.user_id, key);
    const at = this.#context.now();
    const request = { ...requestOf(input, plan), ...(await this.#storedInput(id, input.input)) };
    const request_hash = key === undefined ? undefined : await hashOf(key, request, input.stages);
    const { publishes, ...planned } = plan;
    // Derived, so that a repeat names the same agent.
    const named = { project_id: id, agent_id: request.agent_id };
    const agent_id = publishes ? agentIdOfBuild(named) : request.agent_id;
    const patch = create(
      { ...planned, ...request, agent_id, project_id: id, request_hash, created_by: asker.by, traceparent },
      at,
    );
    const written = await optimisticWrite(this.#context.store, {
      project_id: id,
      decide: (stored) => {
        if (stored) throw idempotencyMismatch(id, request, stored);
        return { patch };
      },
      isOwnWrite: (item) =>
        request_hash === undefined ? item.created_at === at : item.request_hash === request_hash,
    });
    if (!written.item) throw notFound(id);
    const project = normalise(written.item);
    this.#context.changed(project);
    return { project, again: project.created_at !== at };
  }

  /** Where an input goes. Content-addressed: a repeat stores the same document. */
  async #storedInput(projectId: string, input: Readonly<Record<string, unknown>>): Promise<StoredInput>;
  async #storedInput(
    projectId: string,
    input: Readonly<Record<string, unknown>> | undefined,
  ): Promise<StoredInput | undefined>;
  async #storedInput(
    projectId: string,
    input: Readonly<Record<string, unknown>> | undefined,
  ): Promise<StoredInput | undefined> {
    if (input === undefined) return undefined;
    const ordered = inNaturalOrder(input);
    if (utf8Bytes(JSON.stringify(ordered)) <= LIMITS.inlineInput) return { input: ordered };
    const input_ref = `input-${(await sha256Hex(canonicalJson(ordered))).slice(0, 16)}`;
    await this.#context.files.artifacts.putDocument(projectId, input_ref, ordered);
    return { input_ref };
  }

  pause(projectId: string, operationId?: string, asker?: Asker): Promise<Project> {
    return this.#write("pause", projectId, operationId, asker, pause);
  }

  cancel(projectId: string, operationId?: string, asker?: Asker): Promise<Project> {
    return this.#write("cancel", projectId, operationId, asker, cancel);
  }

  resume(projectId: string, operationId?: string, asker?: Asker): Promise<Project> {
    const { leaseMs } = this.#context;
    return this.#write("resume", projectId, operationId, asker, (known, stamp) =>
      resume(known, stamp, leaseMs),
    );
  }

  async retry(
    projectId: string,
    { input, ...rest }: RetryRequest,
    operationId?: string,
    asker?: Asker,
  ): Promise<Project> {
    const intent = { ...rest, input: await this.#storedInput(projectId, input) };
    return await this.#write("retry", projectId, operationId, asker, (known, stamp) =>
      retry(known, intent, stamp),
    );
  }

  /** Answers the open gate. The same operation id at another gate is another operation. */
  answer(projectId: string, intent: AnswerIntent, operationId?: string, asker?: Asker): Promise<Project> {
    return this.#write(`answer ${intent.stage}`, projectId, operationId, asker, (known, stamp) =>
      answer(known, intent, stamp),
    );
  }

  /** Removes the item, readable or not, then what the stores keep of it. Errors: PROJECT_NOT_FOUND, FORBIDDEN. */
  async delete(projectId: string, asker: Asker = {}): Promise<void> {
    // Marked first: nothing else would find the files of a project that is gone, should this process end in between.
    await this.#context.files.artifacts.markRemoved(projectId);
    await optimisticWrite(this.#context.store, {
      project_id: projectId,
      decide: (stored) => {
        if (stored) requireOwner(stored, asker);
        return { patch: deleteProject(projectId, asker) };
      },
      isOwnWrite: () => false,
    });
    this.#context.deleted(projectId);
    await this.#context.files.artifacts.removeProject(projectId);
  }

  /** The same for a build that ended before a time; false when there is none any more, such as after a retry. */
  async deleteEnded(projectId: string, before: string): Promise<boolean> {
    await this.#context.files.artifacts.markRemoved(projectId);
    const { ok } = await optimisticWrite(this.#context.store, {
      project_id: projectId,
      decide: (stored) => (stored ? undefined : { patch: deleteEnded(projectId, before) }),
      isOwnWrite: () => false,
    }).catch(ifGone);
    if (!ok) return false;
    this.#context.deleted(projectId);
    await this.#context.files.artifacts.removeProject(projectId);
    return true;
  }

  /**
   * Removes files that late writes have brought of deleted projects (a report, an upload, a stage that was being
   * stopped), and seals logs that a killed process left. Answers with how many projects had files. `others` gives those
   * ids of sessions and invocations that exist; all exist unless it is given. Errors of sealing go to `onError`, and do
   * not keep files from being removed.
   */
  async purgeDeleted(
    onError: (error: unknown) => void,
    others: (ids: readonly string[]) => Promise<ReadonlySet<string>> = async (ids) => new Set(ids),
  ): Promise<number> {
    const { files, store } = this.#context;
    await files.logs.sealOld?.(onError).catch(onError);
    return await files.artifacts.purgeRemoved(async (all) => {
      const ids = all.filter((id) => projectIdSchema.safeParse(id).success);
      const rest = all.filter((id) => !ids.includes(id));
      const found = new Set(rest.length === 0 ? [] : await others(rest));
      for (const id of (await store.getMany(ids)).map((item) => String(item.project_id))) found.add(id);
      // A read of several may be a moment behind: what it misses is read once more, as it is now.
      for (const id of ids) if (!found.has(id) && (await store.get(id))) found.add(id);
      return found;
    });
  }

  /**
   * A read and one write. The read costs little, tells what the item weighs, and keeps the write away from an item that
   * cannot be read; the guards decide.
   */
  async #write(
    kind: "pause" | "cancel" | "resume" | "retry" | `answer ${string}`,
    projectId: string,
    operationId: string | undefined,
    asker: Asker | undefined,
    decide: (known: Project, stamp: Stamp) => UpdatePatch,
  ): Promise<Project> {
    // With the kind: an operation_id that was used for something else is another operation.
    const stamp = { ...asker, op: `${kind} ${operationId ?? newOperationId()}`, at: this.#context.now() };
    const project = await updateProject(this.#context.store, {
      project_id: projectId,
      stored: await this.#context.read(projectId),
      isOwnWrite: (item) => item.control?.op === stamp.op,
      maxRetries: MAX_RETRIES,
      decide: (known) => {
        if (!known) throw notFound(projectId);
        requireOwner(known, asker ?? {});
        return { patch: decide(known, stamp) };
      },
    });
    this.#context.changed(project);
    return project;
  }
}

/** What a create asks for, defaults filled in: equal requests are equal here. */
function requestOf(input: CreateProjectInput, plan: Plan) {
  const { requirement = "" } = input;
  return {
    requirement,
    project_name:
      input.project_name ?? nameFrom(requirement === "" ? (plan.pipeline ?? "build") : requirement),
    user_id: input.user_id,
    user_name: input.user_name,
    agent_id: input.agent_id,
    pipeline: plan.pipeline,
    tags: [...new Set(input.tags)],
    priority: input.priority ?? 3,
    start_at: input.start_at,
    limits: input.limits,
  };
}

/** Tags in another order are the same. */
function comparable(value: unknown): string | undefined {
  return canonicalJson(Array.isArray(value) ? value.toSorted() : value);
}

/** The key itself too: ids have 48 bits, and two keys may have the same. */
async function hashOf(
  key: string,
  request: ReturnType<typeof requestOf>,
  stages: CreateProjectInput["stages"],
) {
  return await sha256Hex(canonicalJson({ ...request, tags: request.tags.toSorted(), stages, key }));
}

function idempotencyMismatch(id: string, request: ReturnType<typeof requestOf>, stored: Item) {
  const differing = Object.entries(request)
    .filter(([field, value]) => comparable(value) !== comparable(stored[field]))
    .map(([field]) => field);
  return new StagefoldError(
    "IDEMPOTENCY_MISMATCH",
    `This idempotency_key was used with another input: ${differing.join(", ") || "its stages or its key"} differed.`,
    { project_id: id },
  );
}

/** A name for people, from the first line of the requirement. */
function nameFrom(requirement: string): string {
  const line = requirement.trim().split(/\r?\n/, 1)[0] ?? "";
  return truncateUtf8(line, 80);
}
