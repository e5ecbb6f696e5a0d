/** What every process of an attempt has in its environment, unless it was given another one. */
export function marksOf(job: { project: { project_id: string }; stage: string; attempt: number }): string[] {
  return [
    `STAGEFOLD_PROJECT_ID=${job.project.project_id}`,
    `STAGEFOLD_STAGE=${job.stage}`,
    `STAGEFOLD_ATTEMPT=${job.attempt}`,
  ];
}
