import { isLeaseLost, isStagefoldError, type Project } from "@stagefold/core";
import { LEASE_MS } from "./connection.ts";
import { viewOf } from "./view.ts";
import type { Machine, World } from "./world.ts";
import { momentOf, since, type Writer } from "./writer.ts";

const TICK_MS = LEASE_MS / 20;
/** Without an answer for so long, the project is looked at. */
const WATCH_MS = 2500;
/** The share of a lease after which its lease owner gives it up if no renewal was acknowledged. */
const TRUSTED_SHARE = 0.75;

/** Keeps a lease: renews it from a quarter on, looks at the project now and then, gives it up at three quarters. */
export class Keeper {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #writer: Writer;
  #stopped = false;
  #looking = false;
  #renewAt = 0;
  #lookedAt: number;

  constructor(world: World, machine: Machine, writer: Writer) {
    this.#world = world;
    this.#machine = machine;
    this.#writer = writer;
    this.#lookedAt = machine.process.monotonic();
  }

  async run(): Promise<void> {
    while (!this.#stopped && this.#writer.over === undefined) {
      await this.#machine.process.sleep(TICK_MS);
      if (!this.#stopped) this.#tick();
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #tick(): void {
    const age = since(this.#machine, this.#writer.renewedAt);
    if (age > LEASE_MS * TRUSTED_SHARE) {
      this.#writer.end("expired");
      return;
    }
    const now = this.#machine.process.monotonic();
    if (age > LEASE_MS / 4 && now >= this.#renewAt) void this.#renew();
    if (now - this.#lookedAt > WATCH_MS && !this.#looking) void this.#look();
  }

  async #renew(): Promise<void> {
    const { projectId, token } = this.#writer;
    const sentAt = momentOf(this.#machine);
    this.#renewAt = this.#machine.process.monotonic() + LEASE_MS / 6;
    try {
      await this.#world.histories.record(
        this.#machine.process.name,
        projectId,
        { do: "heartbeat", token },
        () => this.#machine.repository.work.heartbeat(projectId, token),
        () => ({ answer: "ok" }),
      );
      this.#writer.renewed(sentAt);
    } catch (error) {
      if (isLeaseLost(error))
        this.#writer.end(isStagefoldError(error, "PROJECT_NOT_FOUND") ? "deleted" : "lost");
      else if (!isStagefoldError(error, "STORE_UNAVAILABLE") && !isStagefoldError(error, "PROJECT_CONFLICT"))
        this.#world.violated("unexpected_error", `heartbeat: ${String(error)}`);
      this.#renewAt = Math.min(this.#renewAt, this.#machine.process.monotonic() + LEASE_MS / 20);
    }
  }

  async #look(): Promise<void> {
    const { histories } = this.#world;
    const { process, repository } = this.#machine;
    const { projectId } = this.#writer;
    this.#looking = true;
    try {
      const project = await histories.record(
        process.name,
        projectId,
        { do: "get" },
        () => repository.get(projectId),
        (seen) => ({ answer: "ok", view: viewOf(seen) }),
      );
      this.#heard(project);
    } catch (error) {
      if (isStagefoldError(error, "PROJECT_NOT_FOUND")) this.#writer.end("deleted");
      else if (!isStagefoldError(error, "STORE_UNAVAILABLE"))
        this.#world.violated("unexpected_error", `get: ${String(error)}`);
    } finally {
      this.#lookedAt = process.monotonic();
      this.#looking = false;
    }
  }

  #heard(project: Project): void {
    const writer = this.#writer;
    if (project.lease_token > writer.token) writer.end(project.status === "cancelled" ? "cancelled" : "lost");
    else if (project.revision > writer.project.revision) writer.project = project;
  }
}
