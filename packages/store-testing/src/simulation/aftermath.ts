import { type LogStore, type Project, type Stage, textsOf } from "@stagefold/core";
import type { Machine, World } from "./world.ts";

/** When all is quiet again: nothing is stuck, every log is what was acknowledged, every list is whole. */
export async function checkAftermath(world: World, machine: Machine): Promise<void> {
  for (const project of world.table.projects) {
    if (project.status === "queued" || project.status === "building")
      world.violated("stuck", `${project.project_id} is ${project.status}, due ${project.work_due_at}`);
    for (const stage of project.stages_snapshot.stages) await checkLogs(world, machine, project, stage);
  }
  await checkLists(world, machine);
}

/** Each line of a write that took effect, once and in order; none of a write that did not. */
async function checkLogs(world: World, { logs }: Machine, project: Project, stage: Stage): Promise<void> {
  const { lines, lives } = world.ledger.account(project.project_id);
  for (let attempt = 1; attempt <= stage.attempt; attempt++) {
    const expected = lines.get(`${project.created_at}/${stage.stage}/${attempt}`) ?? [];
    const all = await readAll(logs, project, stage, attempt);
    if (lives === 1 ? isSame(all, expected) : isWithin(ofThisLife(all, project), expected)) continue;
    const [wanted, found] = [JSON.stringify(expected), JSON.stringify(all)];
    world.violated(
      "log_wrong",
      `${project.project_id} ${stage.stage}/${attempt}: expected ${wanted}, found ${found}`,
    );
  }
}

/**
 * Files know no token. Of a project that was deleted and made again, a lease owner of the first one that has not heard of it
 * yet may still write to the attempt of the same number, also over what is there. A line names its writer's token.
 */
function ofThisLife(lines: readonly string[], { created_at }: Project): readonly string[] {
  const born = Math.floor(Date.parse(created_at) / 1000);
  return lines.filter((line) => Number(line.split(" ")[1]) >= born);
}

function isSame(lines: readonly string[], expected: readonly string[]): boolean {
  return JSON.stringify(lines) === JSON.stringify(expected);
}

function isWithin(lines: readonly string[], expected: readonly string[]): boolean {
  const there = new Set(lines);
  return isSame(
    lines,
    expected.filter((line) => there.has(line)),
  );
}

async function readAll(logs: LogStore, project: Project, stage: Stage, attempt: number): Promise<string[]> {
  const entry = stage.history.find((one) => one.attempt === attempt);
  const upTo = entry ? entry.log_seq : stage.log_seq;
  const all: string[] = [];
  if (upTo === undefined) return all;
  const ref = { project_id: project.project_id, stage: stage.stage, attempt };
  for (let cursor: string | undefined; ; ) {
    const page = await logs.read(ref, { cursor, limit: 3, upTo });
    all.push(...textsOf(page.lines));
    if (page.end) return all;
    cursor = page.cursor;
  }
}

async function checkLists(world: World, machine: Machine): Promise<void> {
  const { lists } = machine.repository;
  const there = world.table.projects.map((project) => project.project_id).sort();
  const listed: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const from = cursor;
    const page = await world.digesting(machine, () => lists.projects({}, 2, from));
    listed.push(...page.items.map((item) => item.project_id));
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  if (JSON.stringify(listed.sort()) !== JSON.stringify(there))
    world.violated("lists_wrong", `expected ${there.join(" ")}, listed ${listed.join(" ")}`);
}
