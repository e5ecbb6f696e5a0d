import type { Project } from "@stagefold/client";
import { createLogUpdate } from "log-update";
import type { Cli } from "./cli.ts";
import { EXIT } from "./exit.ts";
import { changeLines } from "./view/changes.ts";
import { escaped } from "./view/escape.ts";
import { logText } from "./view/log-text.ts";
import { projectLines } from "./view/project-lines.ts";

const REDRAW_MS = 1000;
const TAIL_LINES = 10;

interface Follower {
  show(project: Project): void;
  /** Something to say between two drawings. */
  note(text: string): void;
  close(): void;
}

/**
 * Shows a build until it ends: redrawn in place for a person, line by line for a file, one JSON object a line with
 * --json. Answers with the exit code: whether it completed, or was interrupted here (the build continues).
 */
export async function followBuild(cli: Cli, projectId: string): Promise<number> {
  const follower = followerFor(cli);
  const onConnection = (state: "connected" | "lost") =>
    state === "lost" && follower.note("connection lost; connecting again …");
  try {
    const project = await lastOf(cli, projectId, follower, onConnection);
    if (project === undefined) return EXIT.interrupted;
    if (project.status === "completed") return EXIT.done;
    follower.close();
    if (!cli.json) for (const line of failureLines(cli, project)) cli.terminal.note(line);
    return EXIT.failed;
  } finally {
    follower.close();
  }
}

/** Why a build failed, for a person who has waited: the end of the log, and what to type next. */
function failureLines(cli: Cli, { project_id, status, stages_snapshot }: Project): string[] {
  const failed = stages_snapshot.stages.find((stage) => stage.status === "failed");
  if (status !== "failed" || failed === undefined) return [];
  const { stage, attempt, stage_name, logs = [] } = failed;
  const tail = logs.slice(-TAIL_LINES).map((line) => `  ${logText(line, cli.terminal.hasColours)}`);
  return [
    `${escaped(stage_name)} failed (attempt ${attempt}): ${escaped(failed.error_message)}`,
    ...(tail.length > 0 ? ["its log ends with:", ...tail] : []),
    `the whole log: stagefold logs ${project_id} ${stage}`,
    `to try again:  stagefold retry ${project_id}`,
  ];
}

async function lastOf(
  cli: Cli,
  projectId: string,
  follower: Follower,
  onConnection: (state: "connected" | "lost") => void,
): Promise<Project | undefined> {
  const options = { signal: cli.signal, onConnection };
  for await (const project of cli.client.projects.watch({ project_id: projectId }, options)) {
    follower.show(project);
    const { status } = project;
    if (status === "completed" || status === "failed" || status === "cancelled") return project;
  }
  return undefined;
}

function followerFor(cli: Cli): Follower {
  if (cli.json)
    return { show: (project) => cli.terminal.json(project), note: () => undefined, close: () => undefined };
  return cli.terminal.isLive ? new LiveFollower(cli) : new LineFollower(cli);
}

class LineFollower implements Follower {
  readonly #cli: Cli;
  #before: Project | undefined;

  constructor(cli: Cli) {
    this.#cli = cli;
  }

  show(project: Project): void {
    this.#cli.terminal.lines(changeLines(this.#before, project));
    this.#before = project;
  }

  note(text: string): void {
    this.#cli.terminal.note(text);
  }

  close(): void {
    this.#before = undefined;
  }
}

class LiveFollower implements Follower {
  readonly #cli: Cli;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  // Only the clock moves between two changes.
  readonly #timer = setInterval(() => this.#redraw(), REDRAW_MS);
  #project: Project | undefined;
  #note = "";
  #closed = false;

  constructor(cli: Cli) {
    this.#cli = cli;
    this.#draw = createLogUpdate(cli.terminal.stdout, { showCursor: true });
    cli.terminal.noteAbove = (text) => this.#draw.persist(text);
    this.#timer.unref();
  }

  show(project: Project): void {
    this.#project = project;
    this.#note = "";
    this.#redraw();
  }

  note(text: string): void {
    this.#note = text;
    this.#redraw();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#cli.terminal.noteAbove = undefined;
    this.#redraw();
    this.#draw.done();
  }

  #redraw(): void {
    if (!this.#project) return;
    const { terminal } = this.#cli;
    const note = this.#note === "" ? [] : [terminal.paint.yellow(this.#note)];
    this.#draw([...projectLines(this.#project, terminal.frame()), ...note].join("\n"));
  }
}
