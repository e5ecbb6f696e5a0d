import type { Access } from "./principal.ts";

/** What each procedure needs. The router's own types hold this table complete: see `routers/index.ts`. */
export const ACCESS = {
  "projects.create": "create",
  "projects.createMany": "create",
  "projects.bulk": "control",
  "projects.get": "read",
  "projects.input": "read",
  "projects.list": "read",
  "projects.pause": "control",
  "projects.resume": "control",
  "projects.cancel": "control",
  "projects.retry": "control",
  "projects.answer": "control",
  "projects.delete": "control",
  "projects.watch": "read",
  "projects.watchList": "read",
  "projects.watchMany": "read",
  "stages.list": "read",
  "stages.get": "read",
  "stages.logs": "read",
  "stages.watchLogs": "read",
  "stages.calls": "read",
  "artifacts.listByProject": "read",
  "artifacts.listByAgent": "read",
  "artifacts.record": "control",
  "artifacts.removeForStage": "control",
  "work.claim": "work",
  "work.heartbeat": "work",
  "work.report": "work",
  "work.release": "work",
  "stats.overview": "read",
  "stats.builds": "read",
  "pipelines.list": "read",
  "system.info": "read",
  "schedules.create": "create",
  "schedules.list": "read",
  "schedules.get": "read",
  "schedules.update": "control",
  "schedules.pause": "control",
  "schedules.resume": "control",
  "schedules.run": "control",
  "schedules.delete": "control",
  "webhooks.create": "admin",
  "webhooks.list": "admin",
  "webhooks.update": "admin",
  "webhooks.rotate": "admin",
  "webhooks.delete": "admin",
  "webhooks.deliveries": "admin",
  "webhooks.replay": "admin",
  "keys.list": "admin",
  "keys.create": "admin",
  "keys.rotate": "admin",
  "keys.revoke": "admin",
  "audit.list": "admin",
  "session.get": "read",
} as const satisfies Record<string, Access>;

/** The names of all procedures of a router record: `<router>.<procedure>`. */
export type ProcedurePath<Routers> = {
  [Name in keyof Routers & string]: `${Name}.${keyof Routers[Name] & string}`;
}[keyof Routers & string];

/** What a procedure needs. One that is not in the table, which no build lets through, is for admins. */
export function accessTo(path: string): Access {
  const table: Readonly<Record<string, Access>> = ACCESS;
  return Object.hasOwn(table, path) ? (table[path] ?? "admin") : "admin";
}
