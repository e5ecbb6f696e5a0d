import type { DueWork } from "@stagefold/core";

/** What a worker holds, as far as limits and turns ask. */
export interface Held {
  readonly projectId: string;
  readonly pipelineName: string | undefined;
  readonly userId: string | undefined;
}

/** What runs now: of this worker as it is at each moment, of the others as the work index told when this was made. */
export class Running {
  /** Whether it knows of more than this worker. */
  readonly knowsOthers: boolean;
  readonly #mine: () => readonly Held[];
  readonly #users = new Map<string, number>();
  readonly #pipelines = new Map<string, number>();

  constructor(mine: () => readonly Held[], held?: readonly DueWork[]) {
    this.#mine = mine;
    this.knowsOthers = held !== undefined;
    // The index shows this worker's own builds too.
    const own = new Set(mine().map((one) => one.projectId));
    for (const { project_id, user_id, pipeline } of held ?? []) {
      if (own.has(project_id)) continue;
      if (user_id !== undefined) add(this.#users, user_id);
      if (pipeline !== undefined) add(this.#pipelines, pipeline);
    }
  }

  ofUser(userId: string | undefined): number {
    const mine = this.#mine().filter((held) => held.userId === userId).length;
    return mine + (this.#users.get(userId ?? "") ?? 0);
  }

  ofPipeline(name: string | undefined): number {
    const mine = this.#mine().filter((held) => held.pipelineName === name).length;
    return mine + (this.#pipelines.get(name ?? "") ?? 0);
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
