import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { openCli } from "../src/cli.ts";
import { CliError, EXIT } from "../src/exit.ts";
import { createProgram } from "../src/program.ts";

const root = resolve(import.meta.dirname, "../../..");

/** Each command of `stagefold` in a sample of a shell, with where it stands. */
function commandsOf(page: string): { readonly at: string; readonly words: readonly string[] }[] {
  let inSample = false;
  return readFileSync(join(root, page), "utf8")
    .split("\n")
    .flatMap((line, index) => {
      const fence = /^ *```(\w*)/.exec(line);
      if (fence) {
        inSample = fence[1] === "sh";
        return [];
      }
      const command = /^(?:[A-Z_]+=\S+ )*(?:npx stagefold|npm run -s stagefold --|stagefold)((?: .*)?)$/.exec(
        line.trim(),
      );
      if (!inSample || !command) return [];
      return [{ at: `${page}:${index + 1}`, words: wordsOf(command[1] ?? "") }];
    });
}

/** As a shell parts them: quotes hold words together; what follows ` #`, `|`, `>` or `;` is no part of it. */
function wordsOf(text: string): string[] {
  const before = text.split(/ +(?:#|\||>|2>|;|&)/, 1)[0] ?? "";
  return [...before.matchAll(/"([^"]*)"|'([^']*)'|[^\s"']+/g)].map(([all, one, other]) =>
    // An id that a page leaves open.
    (one ?? other ?? all).replace(/_…$/, "_0123456789ab"),
  );
}

/** Commands that refuse some combinations before they ask the API. */
const COMBINED = ["answer", "bulk", "logs"];

/** No call of it leaves this process. */
const withoutApi = openCli(
  { color: false },
  {
    ...{ stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough(), env: {} },
    ...{ signal: AbortSignal.abort(), interrupt: () => undefined, releaseInterrupt: () => undefined },
  },
);

function refuseWrongUsage(error: unknown): undefined {
  if (error instanceof CliError && error.exitCode === EXIT.usage) throw error;
}

test("every command that a page shows is one", async () => {
  const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
    cwd: root,
    encoding: "utf8",
  });
  const commands = pages
    .split("\n")
    .filter((page) => page !== "" && page !== "CHANGELOG.md")
    .flatMap(commandsOf);
  expect(commands.length).toBeGreaterThan(30);
  const faults: string[] = [];
  for (const { at, words } of commands) {
    let ran = false;
    const program = createProgram(
      async (command, work) => {
        ran = true;
        if (COMBINED.includes(command.name())) await work(withoutApi).catch(refuseWrongUsage);
      },
      { writeErr: () => undefined },
    );
    try {
      await program.parseAsync(words, { from: "user" });
      if (!ran) faults.push(`${at}: ${words.join(" ")}: nothing ran`);
    } catch (error) {
      faults.push(`${at}: ${words.join(" ")}: ${error instanceof Error ? error.message : error}`);
    }
  }
  expect(faults).toEqual([]);
});

test("the reference has a command that is a group besides, and no help", async () => {
  const { cliPage } = await import(pathToFileURL(join(root, "docs/.vitepress/reference.mjs")).href);
  const page: string = cliPage(createProgram(async () => undefined, {}));
  const sections = [...page.matchAll(/^## stagefold (.*)$/gm)].map(([, name]) => name);
  expect(sections).toEqual(expect.arrayContaining(["artifacts", "artifacts record", "keys list", "up"]));
  expect(sections).not.toContain("keys");
  expect(sections.join("\n")).not.toContain("help");
});
