import type { ReportEventInput } from "@stagefold/core";
import type { callerOf } from "./fixture.ts";
import { OWN_STAGES } from "./fixture.ts";

type Caller = ReturnType<typeof callerOf>;

/** A program that runs the stages of its own project through the API's procedures. */
export class Program {
  readonly #caller: Caller;
  readonly project_id: string;
  readonly lease_token: number;
  seq: number;

  private constructor(
    caller: Caller,
    claimed: { project_id: string; lease_token: number; lease_seq: number },
  ) {
    this.#caller = caller;
    this.project_id = claimed.project_id;
    this.lease_token = claimed.lease_token;
    this.seq = claimed.lease_seq;
  }

  /** Creates a project with two stages and claims it. */
  static async begin(caller: Caller, input: object = {}): Promise<Program> {
    const made = await caller.projects.create({
      requirement: "own work",
      pipeline: "mine",
      stages: OWN_STAGES,
      ...input,
    });
    return Program.claim(caller, made.project_id);
  }

  static async claim(caller: Caller, project_id: string): Promise<Program> {
    const claimed = await caller.work.claim({ owner: "program", project_id });
    if (!claimed) throw new Error(`expected to claim ${project_id}`);
    return new Program(caller, {
      project_id,
      lease_token: claimed.lease_token,
      lease_seq: claimed.lease_seq,
    });
  }

  report(...events: ReportEventInput[]) {
    this.seq += 1;
    const { project_id, lease_token } = this;
    return this.#caller.work.report({ project_id, lease_token, lease_seq: this.seq, events });
  }
}
