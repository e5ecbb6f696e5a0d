import type { StageMetrics } from "@stagefold/pipeline";
import type { ArchitectureDocument, DesignDocument, RequirementsDocument } from "./documents.ts";

/** What an author knows of the order. */
export interface AgentBrief {
  readonly requirement: string;
  /** As it was given or derived when the project was created. */
  readonly project_name: string;
}

/** How an author reports while it works. */
export interface AuthorWork {
  readonly signal: AbortSignal;
  log(...lines: string[]): void;
  used(metrics: StageMetrics): void;
}

export interface GeneratedFile {
  /** Relative to the build's workspace. */
  readonly path: string;
  readonly content: string;
  readonly media_type: string;
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
  analyse(brief: AgentBrief, work: AuthorWork): Promise<RequirementsDocument>;
  architect(requirements: RequirementsDocument, work: AuthorWork): Promise<ArchitectureDocument>;
  design(
    requirements: RequirementsDocument,
    architecture: ArchitectureDocument,
    work: AuthorWork,
  ): Promise<DesignDocument>;
  /** The prompt of the agent: plain data, written as YAML. */
  prompt(
    requirements: RequirementsDocument,
    design: DesignDocument,
    work: AuthorWork,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** The source of one tool, a module for Node without dependencies. */
  tool(key: string, design: DesignDocument, work: AuthorWork): Promise<string>;
  agent(
    requirements: RequirementsDocument,
    design: DesignDocument,
    work: AuthorWork,
  ): Promise<GeneratedAgent>;
}
