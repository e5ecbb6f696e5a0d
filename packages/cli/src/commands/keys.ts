import type { ApiKey, Outputs } from "@stagefold/client";
import { type Command, Option } from "commander";
import { collect, wholeNumber } from "../options.ts";
import { type ListOptions, MAX_LIMIT, readList, showList } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";
import { clockTime } from "../view/format.ts";
import { type Column, listTable } from "../view/table.ts";

const ROLES = ["viewer", "member", "operator", "runner", "admin"] as const;

interface CreateOptions {
  readonly role: (typeof ROLES)[number];
  readonly pipeline?: string[];
  readonly user?: string;
  readonly days?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** `keys create|list|rotate|revoke` and `audit`: for admins of an API that asks who calls. */
export function addKeys(program: Command, run: Runner): void {
  const keys = program.command("keys").description("API keys, for admins");
  keys
    .command("create")
    .description("Make a key; it is shown this once")
    .argument("<name>", "what it is for")
    .addOption(new Option("--role <role>", "what its bearer may do").choices(ROLES).default("member"))
    .option("--pipeline <name>", "of a runner: the only pipelines that it may run (several times)", collect)
    .option("--user <id>", "the user it stands for; its name unless given")
    .option("--days <count>", "how long it is valid; for ever unless given", wholeNumber(1, 3650))
    .action((name: string, options: CreateOptions, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const valid_until =
          options.days === undefined ? undefined : new Date(Date.now() + options.days * DAY_MS).toISOString();
        const { role, pipeline: pipelines, user: user_id } = options;
        const made = await client.keys.create({ name, role, pipelines, user_id, valid_until });
        if (json) terminal.json(made);
        else {
          terminal.lines([made.key]);
          terminal.note(`key ${made.key_id} (${made.role}): keep it, it is not shown again`);
        }
        return undefined;
      }),
    );
  keys
    .command("list")
    .description("List the keys, newest first")
    .action((_options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const page = await client.keys.list();
        if (json) terminal.json(page);
        else terminal.lines(listTable(page.items, COLUMNS, NAME, terminal));
        return undefined;
      }),
    );
  keys
    .command("rotate")
    .description("Give a key a new secret; the old one is refused from then on")
    .argument("<key-id>", "12 hex digits")
    .action((key_id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const made = await client.keys.rotate({ key_id });
        if (json) terminal.json(made);
        else terminal.lines([made.key]);
        return undefined;
      }),
    );
  keys
    .command("revoke")
    .description("Refuse a key from now on, and end what it has open")
    .argument("<key-id>", "12 hex digits")
    .action((key_id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const key = await client.keys.revoke({ key_id });
        if (json) terminal.json(key);
        else terminal.lines([`${key.key_id} revoked`]);
        return undefined;
      }),
    );
  addAudit(program, run);
}

function addAudit(program: Command, run: Runner): void {
  program
    .command("audit")
    .description("Who did what, newest first, for admins")
    .option("--limit <count>", "how many at most", wholeNumber(1, MAX_LIMIT), 50)
    .option("--all", "all of them")
    .action((options: ListOptions, command: Command) =>
      run(command, async (cli) => {
        const page = await readList(options, (paging) => cli.client.audit.list(paging));
        showList(cli, page, (rows) => rows.map(auditLine));
        return undefined;
      }),
    );
}

type AuditRow = Outputs["audit"]["list"]["items"][number];

function auditLine({ at, by, procedure, project_id, result, from }: AuditRow): string {
  return escaped([at, by, procedure, project_id ?? "-", result, from ?? "-"].join("  "));
}

const COLUMNS: readonly Column<ApiKey>[] = [
  { heading: "KEY", width: 12, text: ({ key_id }) => key_id },
  { heading: "ROLE", width: 8, text: ({ role }) => role },
  { heading: "STATE", width: 10, text: stateOf },
  {
    heading: "LAST USED",
    width: 16,
    text: ({ last_used_at }) => (last_used_at === undefined ? "never" : clockTime(last_used_at)),
  },
];

const NAME = { heading: "NAME", text: ({ name }: ApiKey) => escaped(name) };

function stateOf({ revoked_at, valid_until }: ApiKey): string {
  if (revoked_at !== undefined) return "revoked";
  return valid_until !== undefined && Date.parse(valid_until) <= Date.now() ? "over" : "valid";
}
