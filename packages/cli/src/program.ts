import { readFileSync } from "node:fs";
import { Command, type OutputConfiguration } from "commander";
import { addAgents } from "./commands/agents.ts";
import { addArtifacts } from "./commands/artifacts.ts";
import { addBatch } from "./commands/batch.ts";
import { addChat } from "./commands/chat.ts";
import { addCheck } from "./commands/check.ts";
import { addControl } from "./commands/control.ts";
import { addCreate } from "./commands/create.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addExport } from "./commands/export.ts";
import { addImport } from "./commands/import.ts";
import { addInit } from "./commands/init.ts";
import { addKeys } from "./commands/keys.ts";
import { addLogs } from "./commands/logs.ts";
import { addLs } from "./commands/ls.ts";
import { addSchedules } from "./commands/schedules.ts";
import { addShow } from "./commands/show.ts";
import { addUp } from "./commands/up.ts";
import { addWatch } from "./commands/watch.ts";
import { addWebhooks } from "./commands/webhooks.ts";
import type { Runner } from "./runner.ts";

/** Of this package: it stands beside what is built, as it does beside the sources. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const known = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return known ? String(manifest.version) : "unknown";
}

/** The command line. `run` is what every command's action goes through; help and wrong usage go to `output`. */
export function createProgram(run: Runner, output: OutputConfiguration): Command {
  const program = new Command("stagefold")
    // Before the commands are added: they take it over.
    .configureOutput(output)
    .description("Keeps and runs the builds of AI agents: one build, one item.")
    .version(version(), "-V, --version", "display the version")
    .option("--json", "answer with JSON: what the API says, as it says it")
    .option("--no-color", "no colours (also with NO_COLOR in the environment)")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('("stagefold <command> --help" says more)')
    .exitOverride();
  addInit(program, run);
  addUp(program, run);
  addCreate(program, run);
  addLs(program, run);
  addShow(program, run);
  addWatch(program, run);
  addLogs(program, run);
  addArtifacts(program, run);
  addControl(program, run);
  addBatch(program, run);
  addAgents(program, run);
  addChat(program, run);
  addSchedules(program, run);
  addWebhooks(program, run);
  addKeys(program, run);
  addImport(program, run);
  addExport(program, run);
  addDoctor(program, run);
  addCheck(program, run);
  return program;
}
