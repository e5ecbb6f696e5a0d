import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errorCode } from "@stagefold/node-files";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { CliError, EXIT } from "../exit.ts";
import { parseManifest, withStagefold } from "../init/manifest.ts";
import type { Runner } from "../runner.ts";
import { saving } from "../save.ts";

const TEMPLATE = fileURLToPath(new URL("../../template/", import.meta.url));
/** npm leaves files of this name out of packages. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

interface InitOptions {
  readonly install: boolean;
}

export function addInit(program: Command, run: Runner): void {
  program
    .command("init")
    .description(
      "Write a project here: a pipeline, its test, a program that builds with it. Changes no file of yours",
    )
    .argument("[folder]", "where; made if it is not there", ".")
    .option("--no-install", "do not install what the project needs")
    .action((folder: string, options: InitOptions, command: Command) =>
      run(command, (cli) => init(cli, resolve(folder), options, program.version() ?? "")),
    );
}

async function init(cli: Cli, folder: string, { install }: InitOptions, version: string): Promise<undefined> {
  const manifest = join(folder, "package.json");
  const before = await readIfThere(manifest);
  const after = withStagefold(before === undefined ? undefined : parseManifest(before, manifest), version);
  const text = `${JSON.stringify(after, null, 2)}\n`;
  const written: string[] = [];
  const kept: string[] = [];
  for (const file of await templateFiles()) {
    const target = join(folder, RENAMED[file] ?? file);
    const isNew = await saving(target, () => copied(join(TEMPLATE, file), target));
    const list = isNew ? written : kept;
    list.push(relative(folder, target));
  }
  if (text !== before) {
    await saving(manifest, () => writeFile(manifest, text));
    written.push("package.json");
  }
  if (cli.json) cli.terminal.json({ folder, written, kept });
  else {
    cli.terminal.lines(written.map((name) => `wrote ${name}`));
    cli.terminal.lines(kept.map((name) => `kept ${name}, which was there`));
  }
  if (install) await installIn(cli, folder);
  if (!cli.json)
    cli.terminal.lines([
      `Next: ${install ? "" : "npm install, "}npm test, npm start, and in another terminal: npm run build -- "some words"`,
    ]);
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await saving(path, () =>
    readFile(path, "utf8").catch((error: unknown) => {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }),
  );
}

async function templateFiles(): Promise<string[]> {
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(TEMPLATE, join(entry.parentPath, entry.name)))
    .sort();
}

/** False when there is such a file already: it stays as it is. */
async function copied(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** With the package manager whose lock file is there; npm where there is none. */
async function installIn(cli: Cli, folder: string): Promise<void> {
  const names = new Set(await saving(folder, () => readdir(folder)));
  const tool = names.has("pnpm-lock.yaml") ? "pnpm" : names.has("yarn.lock") ? "yarn" : "npm";
  cli.terminal.note(`installing with ${tool} …`);
  const windows = process.platform === "win32";
  // What it prints is no answer of this command.
  const child = spawn(tool, ["install"], {
    cwd: folder,
    shell: windows,
    stdio: ["ignore", 2, 2],
    signal: cli.signal,
  });
  const ended: unknown[] = await once(child, "close").catch((error: unknown) => {
    throw new CliError(
      `cannot start ${tool} (${errorCode(error) ?? error}); the files are written: install what they need with "${tool} install"`,
      EXIT.failed,
      { cause: error },
    );
  });
  const [code] = ended;
  if (code === 0) return;
  throw new CliError(`"${tool} install" ended with ${String(code)}; the files are written`, EXIT.failed);
}
