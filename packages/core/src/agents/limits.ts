/** The caps of agents, sessions and turns. Every size is in bytes of UTF-8. */
export const AGENT_LIMITS = {
  /** What is asked in one turn; more is refused. */
  question: 32 * 1024,
  /** Files of one question, and what one of their names may have. */
  files: 8,
  fileName: 200,
  /** Bytes of one file. */
  file: 20 * 1024 * 1024,
  /** Files that one turn may leave, and the bytes of all of them. */
  madeFiles: 32,
  madeBytes: 64 * 1024 * 1024,
  /** More of a tool's input and output, or of a text, goes whole to the artifact store; the block's `ref` names it. */
  toolInput: 2 * 1024,
  toolOutput: 4 * 1024,
  text: 64 * 1024,
  /** Tool blocks of a turn that are kept inline; the oldest of more go to the artifact store. */
  toolBlocks: 64,
  /** An open turn above this gives away its oldest tool blocks first. */
  openTurn: 96 * 1024,
  /** Turns of a session whose keys are recognised: those begun last. */
  recentKeys: 64,
  /** Characters of a question that a list has. */
  preview: 120,
  title: 200,
  description: 4 * 1024,
  category: 64,
  tools: 64,
  toolName: 64,
  toolDescription: 1024,
  /** JSON of a tool's input schema. */
  toolSchema: 2 * 1024,
  unmet: 64,
  /** Files of a version. */
  versionFiles: 400,
  /** An agent's item; the file lists of its oldest versions make room. */
  agent: 256 * 1024,
  error: 2048,
} as const;
