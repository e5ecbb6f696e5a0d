import { canonicalJson, type Item, normalise, PROJECT_STATUSES, type Project } from "@stagefold/core";
import { INDEXES } from "@stagefold/core/dynamodb";
import { AGENTS, USERS } from "../world/driver.ts";
import type { Finding } from "./finding.ts";
import { nameOf, type Observation } from "./observe.ts";

const PROJECT_ID_CHARACTERS = "proj_".length + 12;

/** Every index has a row for each item that has its keys, with what it projects, and no other row. */
export function checkIndexes({ items, rows }: Observation): Finding[] {
  return Object.values(INDEXES).flatMap((index) => {
    const fields = ["project_id", index.hash, index.range, ...index.projected];
    const expected = items
      .filter((item) => item[index.hash] !== undefined && item[index.range] !== undefined)
      .map((item) => rowText(Object.fromEntries(fields.map((field) => [field, item[field]]))));
    return difference(index.name, expected, (rows.get(index.name) ?? []).map(rowText));
  });
}

/** Every list has exactly what the items say, newest first. */
export function checkLists({ items, lists }: Observation): Finding[] {
  const projects = items.map((item) => normalise(item)).sort(newestFirst);
  const ids = (some: readonly Project[]) => some.map((project) => project.project_id);
  const expected = new Map<string, string[]>([[nameOf("projects", {}), ids(projects)]]);
  for (const status of PROJECT_STATUSES)
    expected.set(nameOf("projects", { status }), ids(projects.filter((one) => one.status === status)));
  for (const user_id of USERS)
    expected.set(nameOf("projects", { user_id }), ids(projects.filter((one) => one.user_id === user_id)));
  for (const agent_id of AGENTS) {
    const ofAgent = projects.filter((one) => one.agent_id === agent_id);
    expected.set(nameOf("artifacts", { agent_id }), ofAgent.flatMap(artifactsOf));
  }
  expected.set("work", ids(projects.filter((one) => one.work_queue !== undefined)));
  return [...expected].flatMap(([name, wanted]) => {
    const found = lists.get(name) ?? [];
    const different = difference(name, wanted, found);
    if (different.length > 0 || name === "work" || isInOrder(found, wanted, projects)) return different;
    return [{ what: "inconsistent", where: name, detail: "the order is not newest first" } as const];
  });
}

/** Projects of the same millisecond may be in any order: each engine has its own. `projects`: newest first. */
function isInOrder(found: readonly string[], wanted: readonly string[], projects: readonly Project[]) {
  const made = new Map(projects.map((project) => [project.project_id, project.created_at]));
  const projectOf = (one: string) => one.slice(0, PROJECT_ID_CHARACTERS);
  const times = found.map((one) => made.get(projectOf(one)) ?? "");
  const falls = times.every((time, i) => i === 0 || time <= (times[i - 1] ?? ""));
  const place = new Map(projects.map((project, i) => [project.project_id, i]));
  const placeOf = (one: string) => place.get(projectOf(one)) ?? 0;
  // Sorting keeps the artifacts of one project as they were.
  return falls && found.toSorted((a, b) => placeOf(a) - placeOf(b)).join() === wanted.join();
}

function artifactsOf({ project_id, stages_snapshot }: Project): string[] {
  return stages_snapshot.stages.flatMap(({ stage, attempt, output_data }) =>
    output_data.artifacts.map((path) => [project_id, stage, attempt, path].join("/")),
  );
}

function newestFirst(a: Project, b: Project): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? 1 : -1;
  return a.project_id < b.project_id ? 1 : -1;
}

/** What is missing, and what is there without reason or twice. */
function difference(where: string, expected: readonly string[], found: readonly string[]): Finding[] {
  const left = new Map<string, number>();
  for (const one of expected) left.set(one, (left.get(one) ?? 0) + 1);
  const findings: Finding[] = [];
  for (const one of found) {
    const count = left.get(one) ?? 0;
    if (count === 0) findings.push({ what: "list has too much", where, detail: one });
    else left.set(one, count - 1);
  }
  for (const [one, count] of left) if (count > 0) findings.push({ what: "list misses", where, detail: one });
  return findings;
}

function rowText(row: Item): string {
  return canonicalJson(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)));
}
