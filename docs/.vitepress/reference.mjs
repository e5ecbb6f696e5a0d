// Writes the reference pages that are made from the code: docs/reference/rest.md from the OpenAPI document, docs/reference/cli.md
// from the command line's own help. Needs the build of the repository.
import { mkdir, writeFile } from "node:fs/promises";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";

const folder = new URL("../reference/", import.meta.url);
const note = "<!-- Made by docs/.vitepress/reference.mjs. -->\n";
/** In a cell of a table. @param {string} text */
const cell = (text) => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ").replaceAll("<", "&lt;");

/**
 * The addresses of the API, a section for each group.
 * @param {{ paths: Record<string, Record<string, any>> }} document
 */
export function restPage(document) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const group = groups.get(operation.tags[0]) ?? [];
      group.push(operationText(method, path, operation));
      groups.set(operation.tags[0], group);
    }
  const sections = [...groups].map(([name, texts]) => `## ${name}\n\n${texts.join("\n")}`);
  return `# REST\n\n${note}
Below \`/v1\`; \`GET /v1/openapi.json\` has the schemas of all inputs and answers. Each address is a procedure of the API, whose name is
given; over tRPC it is at \`/trpc/<procedure>\`. Lists take \`limit\` and \`cursor\`, and answer \`items\` and \`next_cursor\`.
Refusals have one of the [error codes](errors.md).\n\n${sections.join("\n")}`;
}

/** @param {string} method @param {string} path @param {any} operation */
function operationText(method, path, operation) {
  const inQuery = (operation.parameters ?? [])
    .filter((/** @type {any} */ { in: place }) => place === "query")
    .map((/** @type {any} */ { name, required }) => `\`${name}\`${required ? " (required)" : ""}`);
  const body = operation.requestBody?.content["application/json"].schema;
  const inBody = Object.keys(body?.properties ?? {}).map(
    (name) => `\`${name}\`${body.required?.includes(name) ? " (required)" : ""}`,
  );
  const lines = [
    `### \`${method.toUpperCase()} ${path}\`\n`,
    `${cell(operation.summary)}. Procedure \`${operation.operationId.replace("_", ".")}\`; ${whoMay(operation["x-stagefold-access"])}.\n`,
    ...(inQuery.length > 0 ? [`Query: ${inQuery.join(", ")}\n`] : []),
    ...(inBody.length > 0 ? [`Body: ${inBody.join(", ")}\n`] : []),
  ];
  return lines.join("\n");
}

/** @param {unknown} access */
const whoMay = (access) => (access === "anyone" ? "for every caller" : `for \`${String(access)}\``);

/**
 * Every command with its arguments and options.
 * @param {import("commander").Command} program
 */
export function cliPage(program) {
  const help = program.createHelp();
  const sections = help
    .visibleCommands(program)
    .flatMap((command) => commandText(help, command, "stagefold"));
  return `# Command line\n\n${note}
\`npx stagefold <command>\` where the package is installed, \`npm run -s stagefold -- <command>\` in the repository. All commands take \`--json\`
and \`--no-color\`. They exit with 0 when done, 1 when the build failed or the request was refused, 2 when they were called wrongly, 130 when they were interrupted;
Ctrl-C is how \`up\` ends, so one that was ready exits with 0. \`STAGEFOLD_URL\` says where the API is, \`STAGEFOLD_KEY\` who asks.\n\n${sections.join("\n")}`;
}

/**
 * @param {import("commander").Help} help @param {import("commander").Command} command @param {string} before
 * @returns {string[]}
 */
function commandText(help, command, before) {
  if (command.name() === "help") return [];
  const name = `${before} ${command.name()}`;
  const below = help.visibleCommands(command).filter((sub) => sub.name() !== "help");
  const sections = below.flatMap((sub) => commandText(help, sub, name));
  // A group of commands; one with arguments of its own is a command besides.
  if (below.length > 0 && command.registeredArguments.length === 0) return sections;
  const rows = [
    ...help.visibleArguments(command).map((one) => [one.name(), help.argumentDescription(one)]),
    ...help.visibleOptions(command).map((one) => [one.flags, help.optionDescription(one)]),
  ].filter(([flags]) => !/--help/.test(flags ?? ""));
  const usage = [before, command.name(), command.usage()].join(" ");
  return [
    `## ${name}\n`,
    `${cell(help.commandDescription(command))}\n`,
    `\`${usage}\`\n`,
    ...(rows.length > 0
      ? [
          "| | |\n| --- | --- |",
          ...rows.map(([flags = "", text = ""]) => `| \`${flags}\` | ${cell(text)} |`),
          "",
        ]
      : []),
    ...sections,
  ];
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const root = new URL("../../", import.meta.url);
  const { openApiDocument } = await import(new URL("apps/api/dist/http/rest/openapi.js", root).href);
  const { createProgram } = await import(new URL("packages/cli/dist/program.js", root).href);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL("rest.md", folder), restPage(openApiDocument("0.3.0")));
  await writeFile(new URL("cli.md", folder), cliPage(createProgram(async () => undefined, {})));
}
