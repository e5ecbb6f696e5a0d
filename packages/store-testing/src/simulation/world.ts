import {
  createMemoryFileStores,
  type LogStore,
  MemoryProjectStore,
  type Project,
  type ProjectStore,
  Repository,
} from "@stagefold/core";
import { checkEffect, type ViolationKind } from "./checks.ts";
import { Connection, LEASE_MS } from "./connection.ts";
import { type FaultCounts, Weather } from "./faults.ts";
import { ProcessLogs, type SharedFiles } from "./files.ts";
import { Histories } from "./history.ts";
import { Ledger } from "./ledger.ts";
import { SimProcess } from "./process.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import type { PlannedStage } from "./specification.ts";
import { type Effect, Table } from "./table.ts";

/** What the stages of a build need: each the one before it, or two in the middle that run at once. */
export type Shape = "sequence" | "diamond";

/** The stages of all builds of a run. The seed says whether one may fail, and whether one runs finally. */
function stagesOf(shape: Shape, seed: number): readonly [PlannedStage, ...PlannedStage[]] {
  if (shape === "sequence") return [{ stage: "plan" }, { stage: "make" }, { stage: "check" }];
  return [
    { stage: "plan" },
    { stage: "left", needs: ["plan"] },
    { stage: "right", needs: ["plan"], ...(Math.floor(seed / 3) % 2 === 1 && { allow_failure: true }) },
    { stage: "join", needs: ["left", "right"] },
    ...(Math.floor(seed / 6) % 2 === 1 ? [{ stage: "tidy", finally: true }] : []),
  ];
}

export interface Violation {
  readonly kind: ViolationKind;
  readonly message: string;
}

export interface WorldOptions {
  readonly seed: number;
  /** Left out: the seed says. */
  readonly shape?: Shape | undefined;
  /** Puts something between the table and its items, such as a fault that the checks must find. */
  readonly wrap?: ((store: ProjectStore) => ProjectStore) | undefined;
  readonly traced?: boolean | undefined;
  /** How often these faults happen, from 0 to 1, of requests or of seconds of a process; else the seed says. */
  readonly rates?: Partial<FaultCounts> | undefined;
}

/** One process with all that it needs to work. */
export interface Machine {
  readonly process: SimProcess;
  readonly repository: Repository;
  readonly connection: Connection;
  readonly logs: LogStore;
  readonly random: Random;
  /** The name of its last claim. */
  readonly lastClaim: () => string;
}

/** What all processes of a run share: the time, the table, the faults, and those who watch. */
export class World {
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly weather: Weather;
  readonly table: Table;
  readonly files: SharedFiles = createMemoryFileStores();
  readonly ledger = new Ledger();
  readonly histories = new Histories();
  readonly violations: Violation[] = [];
  readonly lines: string[] = [];
  /** Processes that are gone for good. */
  readonly gone = new Set<string>();
  writes = 0;
  /** Writes after which two stages of a build ran at once. */
  overlaps = 0;
  readonly stages: readonly [PlannedStage, ...PlannedStage[]];
  #lastLine = 0;
  readonly #traced: boolean;

  constructor({ seed, shape = seed % 3 === 2 ? "diamond" : "sequence", wrap, traced, rates }: WorldOptions) {
    this.seed = seed;
    this.stages = stagesOf(shape, seed);
    this.#traced = traced === true;
    this.random = new Random(seed);
    this.weather = new Weather(this.random.fork(), rates);
    const store = new MemoryProjectStore();
    this.table = new Table(wrap ? wrap(store) : store, this.scheduler, (effect) => this.#took(effect));
  }

  machine(name: string, skewMs = 0): Machine {
    const { scheduler, table, weather, files } = this;
    const random = this.random.fork();
    const process = new SimProcess(scheduler, name, skewMs);
    const trace = (line: string) => this.trace(line);
    const route = { table, scheduler, weather, random: this.random.fork(), trace };
    let ids = 0;
    const connection = new Connection(route, process);
    const logs = new ProcessLogs(files, process, weather, random.fork());
    const repository = new Repository({
      store: connection,
      artifacts: files.artifacts,
      logs,
      clock: process.clock,
      leaseMs: LEASE_MS,
      newId: () => `${name}-${++ids}`,
    });
    const lastClaim = () => `${name}-${ids}`;
    return { process, repository, connection, logs, random, lastClaim };
  }

  /** Runs what makes digests before its first request: they take real time, so the virtual one stands still. */
  async digesting<T>({ connection }: Machine, run: () => Promise<T>): Promise<T> {
    const release = this.scheduler.hold();
    connection.onNextRequest(release);
    try {
      return await run();
    } finally {
      release();
    }
  }

  /** No two log lines of a run are the same. */
  nextLine(): string {
    this.#lastLine += 1;
    return `line ${this.#lastLine}`;
  }

  violated(kind: ViolationKind, message: string): void {
    this.violations.push({ kind, message });
    this.trace(`!!! ${kind}: ${message}`);
  }

  trace(line: string): void {
    if (!this.#traced) return;
    const seconds = (this.scheduler.now - Date.parse("2026-01-01T00:00:00.000Z")) / 1000;
    this.lines.push(`${seconds.toFixed(3).padStart(8)} ${line}`);
  }

  #took(effect: Effect): void {
    this.writes += 1;
    const { patch, project_id, after, late } = effect;
    if (late && patch.transition === "claim") this.histories.claimedByNobody(project_id);
    this.trace(`  ${patch.transition} ${project_id} took effect: ${after ? brief(after) : "gone"}`);
    const running = after?.stages_snapshot.stages.filter(({ status }) => status === "running") ?? [];
    if (running.length > 1 && after?.status === "building") this.overlaps += 1;
    const found = checkEffect(effect, this.ledger.account(project_id), this.stages);
    for (const { kind, message } of found) this.violated(kind, `${project_id}: ${message}`);
    this.ledger.took(effect);
  }
}

function brief(project: Project): string {
  const { status, revision, run, lease, lease_token, lease_seq, stages_snapshot } = project;
  const stages = stages_snapshot.stages.map(({ status, attempt }) => `${status}/${attempt}`).join(" ");
  return `revision ${revision} run ${run} ${status} [${stages}] token ${lease_token} seq ${lease_seq} ${lease.owner ?? "free"}`;
}
