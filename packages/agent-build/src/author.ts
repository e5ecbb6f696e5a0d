import type { StageMetrics } from "@stagefold/pipeline";
import type {
  ArchitectureDocument,
  DesignDocument,
  DesignDraft,
  RequirementsDocument,
  RequirementsDraft,
} from "./documents.ts";

/** What an author knows of the order. */
export interface AgentBrief {
  readonly requirement: string;
  /** As it was given or derived when the project was created. */
  readonly project_name: string;
}

/** The version of the agent that a build is to change. */
export interface CurrentVersion {
  readonly requirements: RequirementsDocument;
  readonly design: DesignDocument;
  /** The sources of its tools, by key. */
  readonly tools: Readonly<Record<string, string>>;
}

/** What an author works with beside the order, and how it reports. */
export interface AuthorWork {
  readonly signal: AbortSignal;
  /** Absent for a new agent. */
  readonly current?: CurrentVersion | undefined;
  log(...lines: string[]): void;
  used(metrics: StageMetrics): void;
}

export interface GeneratedFile {
  /** Relative to the build's workspace. */
  readonly path: string;
  readonly content: string;
  readonly media_type: string;
}

/** A tool that did not pass its checks. */
export interface BrokenTool {
  readonly source: string;
  /** What Node or a self-test says. */
  readonly problem: string;
  /** Which repair this is, from 1. */
  readonly attempt: number;
}

/** The files of an agent: the first is the one that is run. */
export interface GeneratedAgent {
  readonly entry: GeneratedFile;
  readonly others: readonly GeneratedFile[];
}

/**
 * Writes everything an agent consists of. `agent-build` keeps the order of stages, the documents, the checks and the
 * final test run; who thinks up the content is behind this port. `offlineAuthor` works from a catalogue of tools; a
 * language model can take its place. What an author returns is checked like any other input.
 */
export interface AgentAuthor {
  readonly name: string;
  /** `rules`: the agent answers by the routes of its tools; `model`: by a language model that calls them. */
  readonly kind: "rules" | "model";
  analyse(brief: AgentBrief, work: AuthorWork): Promise<RequirementsDraft>;
  architect(requirements: RequirementsDocument, work: AuthorWork): Promise<ArchitectureDocument>;
  design(
    requirements: RequirementsDocument,
    architecture: ArchitectureDocument,
    work: AuthorWork,
  ): Promise<DesignDraft>;
  /** The prompt of the agent: plain data, written as YAML. */
  prompt(
    requirements: RequirementsDocument,
    design: DesignDocument,
    work: AuthorWork,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** The source of one tool, a module for Node without dependencies. */
  tool(key: string, design: DesignDocument, work: AuthorWork): Promise<string>;
  /** Another source for a tool that did not pass its checks; undefined where there is no other. */
  repair(
    key: string,
    broken: BrokenTool,
    design: DesignDocument,
    work: AuthorWork,
  ): Promise<string | undefined>;
  agent(
    requirements: RequirementsDocument,
    design: DesignDocument,
    work: AuthorWork,
  ): Promise<GeneratedAgent>;
}
