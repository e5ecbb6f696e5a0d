// npm run demo: kills the worker of a long build with SIGKILL and shows another one finish it. Ends with 0 if it did.
import "./lib/node-version.mjs";
import { command } from "./lib/command.mjs";
import { LEASE_SECONDS, startSystem } from "./lib/demo/system.mjs";
import { Timeline } from "./lib/demo/timeline.mjs";
import { prepare } from "./lib/prepare.mjs";

/** Parts that the long stage makes, about a second each. */
const PARTS = 9;
const PATIENCE_MS = 120_000;

// Each part is made under another name and renamed: an attempt that finds it finds it whole and does not make it again.
const PIPELINE = `
name: takeover
stages:
  - stage: prepare
    command: echo "the parts to make" && seq ${PARTS} > parts.txt
  - stage: assemble
    stage_name: A long stage
    command: |
      for part in $(cat parts.txt); do
        if [ -f "part-$part" ]; then echo "part $part is there already"; continue; fi
        sleep 1
        echo "content of part $part" > "part-$part.new" && mv "part-$part.new" "part-$part"
        echo "made part $part"
      done
    artifacts: ["part-?"]
  - stage: check
    command: test "$(cat part-? | wc -l)" = ${PARTS} && echo "all ${PARTS} parts, once each"
`;

await command(async () => {
  if (!process.argv.includes("--as-built")) await prepare({ build: true });
  const timeline = new Timeline();
  const system = await startSystem({ pipelines: { "takeover.yaml": PIPELINE }, workers: ["ann", "bob"] });
  const stop = () => void system.close().then(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await demonstrate(system, timeline);
    return 0;
  } catch (error) {
    timeline.say(`it did not work: ${error instanceof Error ? error.message : String(error)}`);
    for (const { name, log } of system.workers) console.error(`${name} said:\n${log()}`);
    return 1;
  } finally {
    await system.close();
    timeline.say("everything is stopped, and its folder is gone");
  }
});

/**
 * @param {Awaited<ReturnType<typeof startSystem>>} system
 * @param {Timeline} timeline
 */
async function demonstrate(system, timeline) {
  const { client } = system;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  timeline.say(`the API and two workers run; a lease lasts ${LEASE_SECONDS} s`);
  const { project_id } = await client.projects.create({
    requirement: `${PARTS} parts`,
    pipeline: "takeover",
  });
  timeline.say(`${project_id} is queued`);

  const before = await system.until(project_id, signal, (project) => {
    const stage = project.stages_snapshot.stages[1];
    return stage?.status === "running" && (stage.logs ?? []).some((line) => line.includes("made part 1"));
  });
  const first = system.ownerOf(before);
  timeline.say(`${first.name} (pid ${first.pid}) holds it and runs the long stage: ${tail(before)}`);
  first.child.kill("SIGKILL");
  const killed = performance.now();
  timeline.say(`kill -9 ${first.pid}`);

  const after = await system.until(
    project_id,
    signal,
    ({ lease }) => lease.owner !== undefined && lease.owner !== before.lease.owner,
  );
  const waited = seconds(performance.now() - killed);
  const second = system.ownerOf(after);
  if (second === first) throw new Error(`expected another owner than ${first.name}`);
  timeline.say(`${second.name} (pid ${second.pid}) has taken over, ${waited} s after the kill`);

  // Readers do not get the token; a project's first claim has the second of its creation and one.
  const late = await client.work
    .report({
      project_id,
      lease_token: Math.floor(Date.parse(before.created_at) / 1000) + 1,
      lease_seq: before.lease_seq + 1000,
      events: [{ event: "completed", stage: "assemble" }],
    })
    .then(
      () => "nothing",
      (/** @type {{ code?: string }} */ error) => error.code,
    );
  if (late !== "LEASE_LOST") throw new Error(`expected LEASE_LOST for a late report, found ${late}`);
  timeline.say("a late report under the dead worker's token is refused: LEASE_LOST");

  const done = await system.until(project_id, signal, ({ status }) =>
    ["completed", "failed", "cancelled"].includes(status),
  );
  if (done.status !== "completed")
    throw new Error(`expected completed, found ${JSON.stringify(done.error_info)}`);
  timeline.say(`completed, ${seconds(performance.now() - killed)} s after the kill`);
  await showRecord(client, done, timeline);
}

/**
 * What the one item says of it all.
 * @param {import("../packages/client/src/index.ts").StagefoldClient} client
 * @param {import("./lib/demo/system.mjs").Project} project
 * @param {Timeline} timeline
 */
async function showRecord(client, project, timeline) {
  const { project_id } = project;
  timeline.heading("Recorded");
  for (const { stage, status, attempt, history } of project.stages_snapshot.stages) {
    for (const earlier of history)
      timeline.line(`${stage}, attempt ${earlier.attempt}: ${earlier.status} (${earlier.code})`);
    timeline.line(`${stage}, attempt ${attempt}: ${status}`);
  }
  const [prepared, assembled] = project.stages_snapshot.stages;
  const lost = assembled?.history[0]?.code;
  if (prepared?.attempt !== 1 || lost !== "WORKER_LOST")
    throw new Error(
      `expected one attempt of prepare and a lost one of assemble; found ${JSON.stringify(project)}`,
    );
  timeline.heading("Log of the second attempt: what was made is not made again");
  const { items } = await client.stages.logs({ project_id, stage: "assemble" });
  for (const { text } of items) timeline.line(text);
  timeline.heading("");
}

/** @param {import("./lib/demo/system.mjs").Project} project */
function tail(project) {
  return project.stages_snapshot.stages[1]?.logs?.at(-1) ?? "";
}

/** @param {number} ms */
function seconds(ms) {
  return (ms / 1000).toFixed(1);
}
