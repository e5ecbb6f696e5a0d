import type { Project, ProjectStatus, Stage, StageStatus } from "@stagefold/core";

// Interfaces, because the compiler writes them by name: spelled out at every procedure, these two unions would make
// the declarations of the router a hundred times as long.

/** `Omit` would forget the known fields of a type that also has an index signature. */
export type Without<T, Names> = { [Name in keyof T as Name extends Names ? never : Name]: T[Name] };

/** Typed as absent, so that the compiler refuses a project whose token has not been taken out. */
type ProjectIn<S extends ProjectStatus> = Without<Extract<Project, { status: S }>, "lease_token"> & {
  lease_token?: never;
};
export interface PendingProject extends ProjectIn<"pending"> {}
export interface QueuedProject extends ProjectIn<"queued"> {}
export interface BuildingProject extends ProjectIn<"building"> {}
export interface WaitingProject extends ProjectIn<"waiting"> {}
export interface PausedProject extends ProjectIn<"paused"> {}
export interface CompletedProject extends ProjectIn<"completed"> {}
export interface FailedProject extends ProjectIn<"failed"> {}
export interface CancelledProject extends ProjectIn<"cancelled"> {}

/** A project as the API answers it: the item, by its status, without the token that lets its bearer write. */
export type ProjectOutput =
  | PendingProject
  | QueuedProject
  | BuildingProject
  | WaitingProject
  | PausedProject
  | CompletedProject
  | FailedProject
  | CancelledProject;

/** The answer of a create: `again` when its key or operation had made the project before. */
export type CreatedProject = ProjectOutput & { again?: true };

/** The lease token is in the answer of `work.claim` and nowhere else. */
export function projectOutput({ lease_token: _token, ...project }: Project): ProjectOutput {
  return project;
}

type StageIn<S extends StageStatus> = Extract<Stage, { status: S }>;
export interface PendingStage extends StageIn<"pending"> {}
export interface RunningStage extends StageIn<"running"> {}
export interface WaitingStage extends StageIn<"waiting"> {}
export interface CompletedStage extends StageIn<"completed"> {}
export interface FailedStage extends StageIn<"failed"> {}
export interface SkippedStage extends StageIn<"skipped"> {}
export interface CancelledStage extends StageIn<"cancelled"> {}

export type StageOutput =
  | PendingStage
  | RunningStage
  | WaitingStage
  | CompletedStage
  | FailedStage
  | SkippedStage
  | CancelledStage;
