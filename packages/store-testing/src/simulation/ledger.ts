import { type Patch, type Project, type ReportEvent, textsOf } from "@stagefold/core";
import { type Effect, operationOf } from "./table.ts";

/** One report as its lease owner means it, through all its repeats. */
interface ReportRecord {
  readonly events: readonly ReportEvent[];
  readonly project_id: string;
}

/** What took effect, for the checks: never anything that a caller merely believes. */
export interface Account {
  /** Highest token that the id ever had, over all its projects. */
  token: number;
  /** How often it was made. */
  lives: number;
  /** `token/seq` of the reports that took effect. */
  readonly reports: Set<string>;
  /** Control writes that took effect, in order. */
  readonly operations: string[];
  /** The last of them since it was made: what the project shows. Until the next one, a repeat of it is harmless. */
  operation: string | undefined;
  /** Of each `created_at/stage/attempt`: how it ended. */
  readonly outcomes: Map<string, string>;
  /** Attempts that stages have begun since it was made, or first had a limit. */
  starts: number;
  /** Of each `created_at/stage/attempt`: the log lines of the reports that took effect, in their order. */
  readonly lines: Map<string, string[]>;
}

/** What lease owners are about to send, and what became of it. */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly #sent = new Map<string, ReportRecord>();

  get ids(): readonly string[] {
    return [...this.#accounts.keys()];
  }

  account(projectId: string): Account {
    const account = this.#accounts.get(projectId) ?? {
      token: 0,
      lives: 0,
      reports: new Set(),
      operations: [],
      operation: undefined,
      outcomes: new Map(),
      starts: 0,
      lines: new Map(),
    };
    this.#accounts.set(projectId, account);
    return account;
  }

  /** A lease owner begins to send. Another report under the same number takes the place of one that was refused. */
  sends(projectId: string, token: number, seq: number, events: readonly ReportEvent[]): void {
    this.#sent.set(`${projectId}/${token}/${seq}`, { events, project_id: projectId });
  }

  /** After all checks of the effect: what later ones are held against. */
  took(effect: Effect): void {
    const { patch, project_id, after } = effect;
    const account = this.account(project_id);
    if (patch.kind === "put") account.lives += 1;
    if (!effect.before || !after) account.starts = 0;
    else if (effect.before.limits) account.starts += startsOf(effect.before, after).length;
    account.token = Math.max(account.token, after?.lease_token ?? 0);
    const op = operationOf(patch);
    if (op !== undefined) account.operations.push(op);
    // A project that is made again knows nothing of the one before.
    if (op !== undefined || patch.kind !== "update") account.operation = op;
    const key = reportKeyOf(patch);
    if (!key || !after) return;
    account.reports.add(`${key.token}/${key.seq}`);
    const sent = this.#sent.get(`${project_id}/${key.token}/${key.seq}`);
    for (const event of sent?.events ?? [])
      if (event.event === "log") linesOf(account, after, event.stage).push(...textsOf(event.lines));
  }

  tookReport(projectId: string, token: number, seq: number): boolean {
    return this.account(projectId).reports.has(`${token}/${seq}`);
  }
}

/** Token and number of a lease owner's write, as its guards have them. */
export function reportKeyOf(patch: Patch): { readonly token: number; readonly seq: number } | undefined {
  const token = tokenOf(patch);
  if (token === undefined) return undefined;
  for (const guard of patch.guards)
    if ("path" in guard && guard.path[0] === "lease_seq" && guard.is === "less_than")
      return typeof guard.value === "number" ? { token, seq: guard.value } : undefined;
  return undefined;
}

/** The token that a write says it is made under. */
export function tokenOf(patch: Patch): number | undefined {
  for (const guard of patch.guards)
    if ("path" in guard && guard.path[0] === "lease_token" && guard.is === "equals")
      return typeof guard.value === "number" ? guard.value : undefined;
  return undefined;
}

/** Attempts that a write has begun, one entry with its stage for each; the opening of a gate is none. */
export function startsOf(before: Project, after: Project): string[] {
  return after.stages_snapshot.stages.flatMap(({ stage, status, attempt }, i) => {
    const begun = attempt - (before.stages_snapshot.stages[i]?.attempt ?? 0);
    return status === "waiting" ? [] : Array.from({ length: begun }, () => stage);
  });
}

function linesOf(account: Account, project: Project, key: string): string[] {
  const stage = project.stages_snapshot.stages.find((one) => one.stage === key);
  const name = `${project.created_at}/${key}/${stage?.attempt ?? 0}`;
  const lines = account.lines.get(name) ?? [];
  account.lines.set(name, lines);
  return lines;
}
