// Writes to the projects of a data folder without a pause and names each write, once it is acknowledged, on stdout:
// node writer.mjs <folder> <name> <project ids, with commas> [writes [pause ms]]
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openSqlite } from "../dist/index.js";

const [folder = "", name = "", ids = "", writes = "1000000000", pauseMs = "0"] = process.argv.slice(2);
const projects = ids.split(",");
const sqlite = await openSqlite(folder);
const payload = "x".repeat(6000);
writeSync(1, "ready\n");
for (let n = 1; n <= Number(writes); n++) {
  const project_id = projects[Math.floor(Math.random() * projects.length)] ?? "";
  const patch = {
    kind: "update",
    transition: "report",
    project_id,
    guards: [{ path: ["revision"], is: "exists" }],
    edits: [
      { op: "set", path: [name], value: n },
      { op: "set", path: ["payload"], value: payload },
      { op: "add", path: ["revision"], value: 1 },
      { op: "add", path: ["writes"], value: 1 },
      { op: "set", path: ["current_stage_number"], value: n },
    ],
  };
  const chunk = { project_id, stage: name, attempt: 1, seq: n, lines: [`line of write ${n}`] };
  const from = performance.now();
  const { ok } = await sqlite.projects.write(patch, [chunk]);
  const ms = performance.now() - from;
  if (!ok) throw new Error(`the write ${n} to ${project_id} was refused`);
  writeSync(1, `${project_id} ${n} ${ms.toFixed(2)}\n`);
  if (Number(pauseMs) > 0) await sleep(Number(pauseMs));
}
sqlite.close();
