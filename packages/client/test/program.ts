import type { ReportEvent, StagefoldClient } from "../src/index.ts";

/** A program that runs the stages of a project of its own. */
export async function beginProgram(client: StagefoldClient, stages = ["one", "two"]) {
  const { project_id } = await client.projects.create({
    requirement: "own work",
    pipeline: "mine",
    stages: stages.map((stage) => ({ stage })),
  });
  const claimed = await client.work.claim({ owner: "program", project_id });
  if (!claimed) throw new Error(`expected to claim ${project_id}, found nothing to claim`);
  const { lease_token } = claimed;
  let { lease_seq } = claimed;
  const report = (...events: ReportEvent[]) =>
    client.work.report({ project_id, lease_token, lease_seq: ++lease_seq, events });
  return { project_id, lease_token, report };
}
