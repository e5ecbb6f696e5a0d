import type { Webhook, WebhookDelivery } from "@stagefold/client";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Cli } from "../cli.ts";
import { collect, wholeNumber } from "../options.ts";
import { type ListOptions, MAX_LIMIT, readList, showList } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";
import { clockTime } from "../view/format.ts";
import { type Column, listTable } from "../view/table.ts";

interface CreateOptions {
  readonly event?: EventType[];
  readonly pipeline?: string[];
  readonly tag?: string[];
  readonly user?: string[];
  readonly format: Webhook["format"];
  readonly description?: string;
  readonly answerLinks?: true;
}

/** `webhooks create|list|pause|resume|rotate|deliveries|replay|delete`: where events of builds are posted, for admins. */
export function addWebhooks(program: Command, run: Runner): void {
  const webhooks = program.command("webhooks").description("Where events of builds are posted, for admins");
  webhooks
    .command("create")
    .description("Post events to an address, or mail them; its secret is shown this once")
    .argument("<url>", "http:// or https://, or mailto: and an address")
    .option(
      "--event <type>",
      "such as build.failed or queue.stuck (several times); what happens to builds unless given",
      collectEvents,
    )
    .option("--pipeline <name>", "of builds of this pipeline alone (several times)", collect)
    .option("--tag <tag>", "of builds with this tag alone (several times)", collect)
    .option("--user <id>", "of builds of this user alone (several times)", collect)
    .addOption(
      new Option("--format <format>", "of the body").choices(["standard", "slack"]).default("standard"),
    )
    .option("--description <text>", "what it is for")
    .option("--answer-links", "with build.waiting, a link to answer the question without signing in")
    .action((url: string, options: CreateOptions, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const { event: events, pipeline: pipelines, tag: tags, user: user_ids } = options;
        const { format, description, answerLinks: answer_links } = options;
        const filters = { events, pipelines, tags, user_ids };
        const made = await client.webhooks.create({ url, ...filters, format, description, answer_links });
        if (json) terminal.json(made);
        else if (url.startsWith("mailto:")) terminal.lines([made.webhook_id]);
        else {
          terminal.lines([made.secret]);
          terminal.note(`webhook ${made.webhook_id}: keep the secret, it is not shown again`);
        }
        return undefined;
      }),
    );
  webhooks
    .command("list")
    .description("List the webhooks, newest first")
    .action((_options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const page = await client.webhooks.list();
        if (json) terminal.json(page);
        else if (page.items.length === 0) terminal.note("no webhooks");
        else terminal.lines(listTable(page.items, COLUMNS, ADDRESS, terminal));
        return undefined;
      }),
    );
  for (const [name, status, description] of STATES)
    webhooks
      .command(name)
      .description(description)
      .argument("<webhook>", "its id", webhookId)
      .action((webhook_id: string, _options: object, command: Command) =>
        run(command, async (cli) => {
          tell(cli, await cli.client.webhooks.update({ webhook_id, status }));
          return undefined;
        }),
      );
  webhooks
    .command("rotate")
    .description("Give a webhook a new secret; the one before it signs beside it for a day")
    .argument("<webhook>", "its id", webhookId)
    .action((webhook_id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const made = await client.webhooks.rotate({ webhook_id });
        if (json) terminal.json(made);
        else terminal.lines([made.secret]);
        return undefined;
      }),
    );
  webhooks
    .command("deliveries")
    .description("What was sent and what waits, newest first")
    .argument("<webhook>", "its id", webhookId)
    .option("--limit <count>", "how many at most", wholeNumber(1, MAX_LIMIT), 50)
    .option("--all", "all of them")
    .action((webhook_id: string, options: ListOptions, command: Command) =>
      run(command, async (cli) => {
        const page = await readList(options, (paging) =>
          cli.client.webhooks.deliveries({ webhook_id, ...paging }),
        );
        showList(cli, page, (rows) => rows.map(deliveryLine));
        return undefined;
      }),
    );
  webhooks
    .command("replay")
    .description("Send an event once more, under the same id")
    .argument("<webhook>", "its id", webhookId)
    .argument("<event>", "the id of the event, from deliveries")
    .action((webhook_id: string, event_id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const delivery = await client.webhooks.replay({ webhook_id, event_id });
        if (json) terminal.json(delivery);
        else terminal.lines([deliveryLine(delivery)]);
        return undefined;
      }),
    );
  webhooks
    .command("delete")
    .description("Post nothing more to an address")
    .argument("<webhook>", "its id", webhookId)
    .action((webhook_id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const deleted = await client.webhooks.delete({ webhook_id });
        if (json) terminal.json(deleted);
        else terminal.lines([`${webhook_id} deleted`]);
        return undefined;
      }),
    );
}

const STATES = [
  ["pause", "paused", "Post nothing until it is resumed"],
  ["resume", "active", "Post events again"],
] as const;

const EVENTS = [
  "build.started",
  "build.waiting",
  "build.completed",
  "build.failed",
  "build.cancelled",
  "build.slow",
  "queue.stuck",
  "workers.none",
  "budget.low",
  "budget.spent",
] as const satisfies Webhook["events"];

type EventType = (typeof EVENTS)[number];

function collectEvents(text: string, earlier: EventType[] | undefined): EventType[] {
  const known = EVENTS.find((one) => one === text);
  if (known !== undefined) return [...(earlier ?? []), known];
  throw new InvalidArgumentError(`expected ${EVENTS.join(", ")}`);
}

const ID = /^hook_[0-9a-f]{16}$/;

function webhookId(text: string): string {
  if (ID.test(text)) return text;
  throw new InvalidArgumentError("expected the id of a webhook: hook_ and 16 hex digits");
}

const COLUMNS: readonly Column<Webhook>[] = [
  { heading: "WEBHOOK", width: 21, text: ({ webhook_id }) => webhook_id },
  { heading: "STATE", width: 6, text: ({ status }) => status },
  { heading: "FORMAT", width: 8, text: ({ format }) => format },
];

const ADDRESS = { heading: "URL", text: ({ url }: Webhook) => escaped(url) };

function deliveryLine({
  created_at,
  status,
  attempts,
  last_status,
  last_error,
  event_id,
}: WebhookDelivery): string {
  const answer = last_error ?? (last_status === undefined ? "-" : String(last_status));
  return escaped([clockTime(created_at), status, `${attempts}x`, answer, event_id].join("  "));
}

function tell({ terminal, json }: Cli, webhook: Webhook): void {
  if (json) terminal.json(webhook);
  // One alone is not cut.
  else terminal.lines(listTable([webhook], COLUMNS, ADDRESS, { paint: terminal.paint, columns: undefined }));
}
