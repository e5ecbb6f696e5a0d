import { setTimeout as sleep } from "node:timers/promises";
import { removeEndpointFile, writeEndpointFile } from "./endpoint-file.ts";
import type { EngineProcess } from "./engine-process.ts";
import { forgetEngine } from "./engine-record.ts";
import { LocalDynamoDBError, reasonOf } from "./errors.ts";
import { endpointOf, type LaunchPlan, launch } from "./launch.ts";
import type { OwnerLock } from "./lock.ts";
import type { EngineKind, LocalDynamoDB, RestartPolicy } from "./options.ts";
import { RESTART_POLICY, Supervisor } from "./supervisor.ts";

/** Between two tries to write the endpoint file, in milliseconds. */
const PUBLISH_AGAIN_MS = 1000;

type RestartListener = (restart: { pid: number }) => void;

/** An engine that answers, its supervisor and its lock. */
export class RunningLocalDynamoDB implements LocalDynamoDB {
  readonly endpoint: string;
  readonly engine: EngineKind;
  readonly failed: Promise<LocalDynamoDBError>;
  readonly #plan: LaunchPlan;
  readonly #lock: OwnerLock;
  readonly #supervisor: Supervisor;
  readonly #listeners = new Set<RestartListener>();
  readonly #ending = new AbortController();
  #closing: Promise<void> | undefined;
  #publishing: Promise<void> = Promise.resolve();

  constructor(first: EngineProcess, plan: LaunchPlan, lock: OwnerLock, policy: Partial<RestartPolicy>) {
    this.#plan = plan;
    this.#lock = lock;
    this.endpoint = endpointOf(plan.port);
    this.engine = plan.engine.kind;
    let giveUp: (error: LocalDynamoDBError) => void = () => undefined;
    this.failed = new Promise((resolve) => {
      giveUp = resolve;
    });
    this.#supervisor = new Supervisor(first, {
      launch: (signal) => launch(plan, signal),
      policy: { ...RESTART_POLICY, ...policy },
      log: plan.log,
      onRestart: (running, restarts) => this.#restarted(running, restarts),
      onGivenUp: (reason, failures) =>
        giveUp(new LocalDynamoDBError({ code: "ENGINE_FAILED", engine: this.engine, failures, reason })),
    });
  }

  get pid(): number {
    return this.#supervisor.pid;
  }

  onRestart(listener: RestartListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    await this.#publishing;
    try {
      await removeEndpointFile(this.#plan.layout);
      await this.#supervisor.stop();
      await forgetEngine(this.#plan.layout);
    } finally {
      await this.#supervisor.stop();
      await this.#lock.release();
    }
  }

  async #restarted(running: EngineProcess, restarts: number): Promise<void> {
    const { log } = this.#plan;
    if (!(await this.#published(running))) this.#publishing = this.#publish(running);
    log({ event: "engine_ready", engine: this.engine, pid: running.pid, endpoint: this.endpoint, restarts });
    for (const listener of this.#listeners) {
      try {
        listener({ pid: running.pid });
      } catch (error) {
        log({ event: "warning", reason: `a restart listener threw: ${reasonOf(error)}` });
      }
    }
  }

  async #published(running: EngineProcess): Promise<boolean> {
    const { layout, log } = this.#plan;
    try {
      await writeEndpointFile(layout, this.endpoint, this.engine, running.pid);
      return true;
    } catch (error) {
      log({ event: "warning", reason: `${layout.endpointFile} was not written: ${reasonOf(error)}` });
      return false;
    }
  }

  /** The engine answers, but other processes find it by this file alone: it is written as soon as that is possible. */
  async #publish(running: EngineProcess): Promise<void> {
    const { signal } = this.#ending;
    do {
      await sleep(PUBLISH_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    } while (!signal.aborted && this.pid === running.pid && !(await this.#published(running)));
  }
}
