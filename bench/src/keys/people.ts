import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createClient, type StagefoldClient } from "@stagefold/client";
import { Cleanup } from "../measure/cleanup.ts";
import { newDataDir } from "../measure/engine.ts";
import { percentile, rounded } from "../measure/figure.ts";
import { startApp } from "../measure/worker-process.ts";
import { PEOPLE_LINES, PEOPLE_PIPELINE } from "../workload/contents.ts";
import type { Measurement } from "./measurement.ts";

/**
 * What people wait for: from a gate's answer through the API until the code of the next stage runs, beside the start of a
 * new build in the same run; and from a line that a stage writes until a client that follows the log has it, beside a
 * line that comes through a bare pipe.
 */
export const people: Measurement = {
  keys: ["answer_ms", "line_ms"],
  async run({ short }) {
    await using cleanup = new Cleanup();
    const dataDir = await newDataDir(cleanup);
    const api = await startApp("api", { dataDir });
    cleanup.add(() => api[Symbol.asyncDispose]());
    const worker = await startApp("worker", { dataDir });
    cleanup.add(() => worker[Symbol.asyncDispose]());
    const client = createClient({ url: api.url ?? "" });
    const [wakes, answers, lines, piped]: [number[], number[], number[], number[]] = [[], [], [], []];
    // The first one warms up.
    for (let run = 0; run <= (short ? 3 : 20); run++) {
      await idle();
      const found = await once(client);
      const bare = await throughPipe();
      if (run === 0) continue;
      wakes.push(found.wake);
      answers.push(found.answer);
      lines.push(...found.lines);
      piped.push(...bare);
    }
    const p95 = (times: number[]) => rounded(percentile(times, 0.95));
    return {
      answer_ms: { p95: p95(answers), wake_p95: p95(wakes) },
      line_ms: { p95: p95(lines), pipe_p95: p95(piped) },
    };
  },
};

/** Longer than an idle worker's shortest pause, and not in step with it. */
function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 500));
}

async function once(client: StagefoldClient) {
  const created = Date.now();
  const { project_id } = await client.projects.create({
    requirement: "People wait",
    pipeline: PEOPLE_PIPELINE,
  });
  for await (const { status } of client.projects.watch({ project_id })) if (status === "waiting") break;
  await idle();
  const lines: number[] = [];
  const reading = (async () => {
    for await (const change of client.stages.watchLogs({ project_id, stage: "talk", attempt: 1 })) {
      const now = Date.now();
      lines.push(...change.lines.map(({ text }) => now - Number(text)));
    }
  })();
  const answered = Date.now();
  await client.projects.answer({ project_id, stage: "ask", value: true });
  const { stages_snapshot } = await client.projects.waitForEnd({ project_id });
  await reading;
  const ranAt = (key: string) =>
    Number(stages_snapshot.stages.find(({ stage }) => stage === key)?.output_data.ran_at);
  const [wake, answer] = [ranAt("first") - created, ranAt("next") - answered];
  if (!(wake >= 0 && answer >= 0))
    throw new Error(`expected when the stages ran, found ${wake} and ${answer}`);
  if (lines.length !== PEOPLE_LINES) throw new Error(`expected ${PEOPLE_LINES} lines, found ${lines.length}`);
  return { wake, answer, lines };
}

/** The same lines from a process without anything between. */
async function throughPipe(): Promise<number[]> {
  const script =
    "let n = 0; const t = setInterval(() => { console.log(Date.now()); if (++n === 10) clearInterval(t); }, 40);";
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const times: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) times.push(Date.now() - Number(line));
  return times;
}
