import type { BuildStats, Overview, PipelineInfo, SystemInfo } from "./model/platform.ts";
import type { ProjectStatus, ProjectSummary } from "./model/project.ts";
import type { HistoryEntry } from "./model/stage.ts";
import type { Artifact, ArtifactInput, LeaseKey, ReportEvent, StagePlan } from "./model/work.ts";
import type { CallOptions, WatchOptions } from "./options.ts";
import type { PipelineLike, ProjectOf } from "./typed.ts";

/** `next_cursor` is for the next page; null on the last one. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

interface PageInput {
  /** 1 to 100. */
  limit?: number | undefined;
  cursor?: string | null | undefined;
}

/** `operation_id`: a repeat of the call with the same one is harmless. */
interface OnProject {
  project_id: string;
  operation_id?: string | undefined;
}

interface OnStage extends OnProject {
  stage: string;
}

export interface CreateProjectInput {
  requirement: string;
  /** Default `agent-build`; with own `stages` any name. */
  pipeline?: string | undefined;
  project_name?: string | undefined;
  user_id?: string | undefined;
  user_name?: string | undefined;
  agent_id?: string | undefined;
  tags?: string[] | undefined;
  /** 1 (first) to 5 (last); default 3. */
  priority?: number | undefined;
  /** A second create with the same key answers with the project of the first. */
  idempotency_key?: string | undefined;
  operation_id?: string | undefined;
  /** For a program that runs its stages itself, see `work`. */
  stages?: StagePlan[] | undefined;
}

export interface ProjectFilter {
  user_id?: string | undefined;
  status?: ProjectStatus | undefined;
  tag?: string | undefined;
  /** In the name, the id, the user or a tag. */
  text?: string | undefined;
}

export interface ProjectsApi<P extends PipelineLike> {
  create(input: CreateProjectInput, options?: CallOptions): Promise<ProjectOf<P>>;
  get(input: { project_id: string }, options?: CallOptions): Promise<ProjectOf<P>>;
  /** Newest first. */
  list(input?: ProjectFilter & PageInput, options?: CallOptions): Promise<Page<ProjectSummary>>;
  pause(input: OnProject, options?: CallOptions): Promise<ProjectOf<P>>;
  resume(input: OnProject, options?: CallOptions): Promise<ProjectOf<P>>;
  cancel(input: OnProject, options?: CallOptions): Promise<ProjectOf<P>>;
  /** From the first unfinished stage, or the named one; `pipeline` names the pipeline anew. */
  retry(
    input: OnProject & { from_stage?: string | undefined; pipeline?: string | undefined },
    options?: CallOptions,
  ): Promise<ProjectOf<P>>;
  delete(input: OnProject, options?: CallOptions): Promise<{ project_id: string; deleted: true }>;
  /**
   * The project as it is, then every later revision, over lost connections and restarts of the server. Ends with the
   * signal; throws PROJECT_NOT_FOUND, also when the project is deleted. `lastEventId` is the last revision seen.
   */
  watch(
    input: { project_id: string; lastEventId?: string | undefined },
    options?: WatchOptions,
  ): AsyncGenerator<ProjectOf<P>, void>;
  /** Changes of a filtered list, from now on. */
  watchList(
    input?: ProjectFilter & { lastEventId?: string | undefined },
    options?: WatchOptions,
  ): AsyncGenerator<ListChange, void>;
  /**
   * The changes of the whole list and, of the projects named (50 at the most), every state, in one stream. Each
   * project comes at once, and again after a lost connection.
   */
  watchMany(
    input?: { project_ids?: string[] | undefined; lastEventId?: string | undefined },
    options?: WatchOptions,
  ): AsyncGenerator<ManyChange<P>, void>;
  /** Resolves with the project when it is completed, failed or cancelled. */
  waitForEnd(input: { project_id: string }, options?: WatchOptions): Promise<ProjectOf<P>>;
}

export type ListChange =
  | { kind: "changed"; project: ProjectSummary }
  /** Deleted, or no longer in the list. */
  | { kind: "removed"; project_id: string }
  /** Changes may have been missed: read the list again. */
  | { kind: "reset" };

export type ManyChange<P extends PipelineLike = PipelineLike> =
  | ListChange
  | { kind: "project"; project: ProjectOf<P> }
  /** Nothing more comes of this project. */
  | { kind: "ended"; project_id: string; code: "PROJECT_NOT_FOUND" | "SNAPSHOT_UNREADABLE" };

type StageIn<P extends PipelineLike> = ProjectOf<P>["stages_snapshot"]["stages"][number];

export interface StagesApi<P extends PipelineLike> {
  /** In their order. */
  list(input: { project_id: string } & PageInput, options?: CallOptions): Promise<Page<StageIn<P>>>;
  /** The stage, and all its attempts, the present one last. */
  get(
    input: { project_id: string; stage: string },
    options?: CallOptions,
  ): Promise<StageIn<P> & { attempts: HistoryEntry[] }>;
  /**
   * Lines of one attempt, oldest first; the present attempt unless another is named.
   * `next_cursor` is null when no more can come: until then a page may be empty and its cursor be asked again.
   */
  logs(
    input: { project_id: string; stage: string; attempt?: number | undefined } & PageInput,
    options?: CallOptions,
  ): Promise<Page<{ text: string }>>;
}

export interface ArtifactsApi<P extends PipelineLike> {
  listByProject(
    input: { project_id: string; stage?: string | undefined } & PageInput,
    options?: CallOptions,
  ): Promise<Page<Artifact>>;
  listByAgent(input: { agent_id: string } & PageInput, options?: CallOptions): Promise<Page<Artifact>>;
  record(
    input: OnStage & { artifacts: ArtifactInput[]; mode: "replace" | "add" },
    options?: CallOptions,
  ): Promise<ProjectOf<P>>;
  removeForStage(input: OnStage, options?: CallOptions): Promise<ProjectOf<P>>;
  /** The bytes, to be read as the caller likes. Without a stage: the last stage that lists the path. */
  download(input: ArtifactAddress, options?: CallOptions): Promise<Response>;
  /** Puts the bytes of an artifact of the attempt that the lease holds. An `artifacts` event then records it. */
  upload(input: UploadInput, options?: CallOptions): Promise<UploadedArtifact>;
}

export interface ArtifactAddress {
  project_id: string;
  path: string;
  stage?: string | undefined;
  attempt?: number | undefined;
}

export interface UploadInput {
  project_id: string;
  path: string;
  stage: string;
  attempt: number;
  lease_token: number;
  content: string | Uint8Array | Blob | ReadableStream<Uint8Array>;
}

/** `size` in bytes. */
export interface UploadedArtifact {
  path: string;
  size: number;
  sha256: string;
}

export interface ClaimedWork<P extends PipelineLike = PipelineLike> {
  project: ProjectOf<P>;
  lease_token: number;
  lease_seq: number;
  expires_at: string;
}

/** For programs that run the stages of their own projects. */
export interface WorkApi<P extends PipelineLike> {
  /** A project whose stages the caller is to run, or null when there is none. */
  claim(
    input: {
      owner: string;
      project_id?: string | undefined;
      pipelines?: string[] | undefined;
      operation_id?: string | undefined;
    },
    options?: CallOptions,
  ): Promise<ClaimedWork<P> | null>;
  /** Renews the lease, and tells of pause and cancel. */
  heartbeat(
    input: OnProject & { lease_token: number },
    options?: CallOptions,
  ): Promise<{ expires_at: string; status: ProjectStatus }>;
  /** All events in one write, or none of them. LEASE_LOST and PROJECT_NOT_FOUND mean: stop at once. */
  report(
    input: LeaseKey & { events: ReportEvent[]; operation_id?: string | undefined },
    options?: CallOptions,
  ): Promise<ProjectOf<P>>;
  /** Gives the lease back; a stage that runs waits for its next attempt. */
  release(
    input: LeaseKey & { operation_id?: string | undefined },
    options?: CallOptions,
  ): Promise<ProjectOf<P>>;
}

/** The procedures of a Stagefold API. They throw StagefoldClientError, ConnectionError, or an aborted signal's reason. */
export interface StagefoldClient<P extends PipelineLike = PipelineLike> {
  /** Of the API, without a slash at the end. */
  readonly url: string;
  readonly projects: ProjectsApi<P>;
  readonly stages: StagesApi<P>;
  readonly artifacts: ArtifactsApi<P>;
  readonly work: WorkApi<P>;
  readonly stats: {
    overview(options?: CallOptions): Promise<Overview>;
    /** `days` 1 to 366; `time_zone` such as `Europe/Berlin`, default UTC. */
    builds(
      input: { days: number; time_zone?: string | undefined },
      options?: CallOptions,
    ): Promise<BuildStats>;
  };
  readonly pipelines: {
    list(input?: PageInput, options?: CallOptions): Promise<Page<PipelineInfo>>;
  };
  readonly system: {
    info(options?: CallOptions): Promise<SystemInfo>;
  };
}
