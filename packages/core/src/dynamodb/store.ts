import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { StagefoldError } from "../errors.ts";
import type { Item, Patch } from "../patch/index.ts";
import {
  type DueRange,
  type DueWork,
  type ListPage,
  type ListQuery,
  noCounts,
  type ProjectStore,
  type StatusCounts,
  type Written,
} from "../ports/project-store.ts";
import { PROJECT_STATUSES, type ProjectStatus } from "../snapshot/schema.ts";
import { toDeleteItem, toPutItem, toUpdateItem } from "./expression.ts";
import { readList, readNoted } from "./lists.ts";
import { PipelineScans } from "./pipeline-scan.ts";
import { countQuery, dueQuery, rowToDueWork } from "./queries.ts";
import { failedCondition, type RequestListener, Requests } from "./requests.ts";

/** Items that one BatchGetItem takes. */
const BATCH = 100;
/** Batches in a row that brought nothing, each after twice the wait of the one before: 3 seconds in all. */
const MAX_EMPTY_BATCHES = 6;
const FIRST_WAIT_MS = 50;

/** The project store on DynamoDB: one request per transition. */
export class DynamoProjectStore implements ProjectStore {
  readonly #table: string;
  readonly #requests: Requests;
  readonly #scans = new PipelineScans();

  constructor(client: DynamoDBClient, table: string, listener?: RequestListener) {
    this.#table = table;
    this.#requests = new Requests(client, listener);
  }

  async write(patch: Patch): Promise<Written> {
    try {
      return await this.#send(patch);
    } catch (error) {
      const failed = failedCondition(error);
      if (!failed) throw error;
      // Not every engine sends the item along with its refusal.
      const item = failed.item ?? (await this.get(patch.project_id));
      return { ok: patch.kind === "delete" && item === undefined && failed.isRepeat, item };
    }
  }

  async #send(patch: Patch): Promise<Written> {
    const about = { transition: patch.transition, project_id: patch.project_id };
    switch (patch.kind) {
      case "put": {
        const input = toPutItem(patch, this.#table);
        await this.#requests.run({ ...about, operation: "PutItem" }, input, (client, full) =>
          client.send(new PutCommand(full)),
        );
        return { ok: true, item: patch.item };
      }
      case "update": {
        const input = toUpdateItem(patch, this.#table);
        const { Attributes } = await this.#requests.run(
          { ...about, operation: "UpdateItem" },
          input,
          (client, full) => client.send(new UpdateCommand(full)),
        );
        return { ok: true, item: patch.postImage ?? Attributes };
      }
      case "delete": {
        const input = toDeleteItem(patch, this.#table);
        const { Attributes, $metadata } = await this.#requests.run(
          { ...about, operation: "DeleteItem" },
          input,
          (client, full) => client.send(new DeleteCommand(full)),
        );
        // Gone at the second attempt: the first one's reply was lost.
        return { ok: Attributes !== undefined || ($metadata.attempts ?? 1) > 1, item: Attributes };
      }
      default:
        return patch satisfies never;
    }
  }

  async get(projectId: string, options: { readonly consistent?: boolean } = {}): Promise<Item | undefined> {
    const input = {
      TableName: this.#table,
      Key: { project_id: projectId },
      ConsistentRead: options.consistent ?? true,
    };
    const { Item: item } = await this.#requests.run(
      { operation: "GetItem", project_id: projectId },
      input,
      (client, full) => client.send(new GetCommand(full)),
    );
    return item;
  }

  async getMany(
    projectIds: readonly string[],
    options: { readonly consistent?: boolean } = {},
  ): Promise<readonly Item[]> {
    const found: Item[] = [];
    let keys: readonly Item[] = [...new Set(projectIds)].map((project_id) => ({ project_id }));
    let empty = 0;
    while (keys.length > 0) {
      const Keys = keys.slice(0, BATCH);
      const input = {
        RequestItems: { [this.#table]: { Keys, ConsistentRead: options.consistent ?? false } },
      };
      const { Responses, UnprocessedKeys } = await this.#requests.run(
        { operation: "BatchGetItem" },
        input,
        (client, full) => client.send(new BatchGetCommand(full)),
      );
      found.push(...(Responses?.[this.#table] ?? []));
      // What does not fit into 16 MB, or the table is too busy for, is to be asked for again.
      const left = UnprocessedKeys?.[this.#table]?.Keys ?? [];
      keys = [...left, ...keys.slice(BATCH)];
      if (left.length === 0) continue;
      empty = left.length < Keys.length ? 0 : empty + 1;
      if (empty > MAX_EMPTY_BATCHES) throw throttled(left.length);
      await wait(FIRST_WAIT_MS * 2 ** empty * (0.5 + Math.random() / 2));
    }
    return found;
  }

  async list(query: ListQuery): Promise<ListPage> {
    const { note, ...indexed } = query;
    return note === undefined
      ? await this.#list(indexed)
      : await readNoted(
          indexed,
          note,
          (page) => this.#list(page),
          (ids) => this.getMany(ids),
        );
  }

  async #list(query: ListQuery): Promise<ListPage> {
    return await readList(this.#table, query, {
      query: async (input) => {
        const { Items = [], LastEvaluatedKey } = await this.#query(input);
        return { items: Items, more: LastEvaluatedKey !== undefined };
      },
      items: (ids) => this.getMany(ids, { consistent: true }),
    });
  }

  async counts(): Promise<StatusCounts> {
    const counts = noCounts();
    await Promise.all(
      PROJECT_STATUSES.map(async (status) => {
        const { current, all } = await this.#count(status);
        // An older `queued` or `building`, which has no lease owner, reads as `pending`.
        const claimable = status === "queued" || status === "building";
        counts[status] += claimable ? current : all;
        if (claimable) counts.pending += all - current;
      }),
    );
    return counts;
  }

  async #count(status: ProjectStatus) {
    let [current, all] = [0, 0];
    let from: Item | undefined;
    do {
      const answer = await this.#query(countQuery(this.#table, status, from));
      current += answer.Count ?? 0;
      all += answer.ScannedCount ?? 0;
      from = answer.LastEvaluatedKey;
    } while (from !== undefined);
    return { current, all };
  }

  async due(queue: string, now: string, limit: number, range: DueRange = {}): Promise<readonly DueWork[]> {
    // DynamoDB refuses a range that ends before it begins.
    if (range.since !== undefined && range.since > now) return [];
    const { pipelines, since, after } = range;
    const read = async (from: { since?: string | undefined; after?: Item | undefined }) => {
      const input = dueQuery(this.#table, queue, now, limit, { ...range, since: from.since });
      const key = from.after && { ExclusiveStartKey: from.after };
      const { Items = [], ScannedCount = 0, LastEvaluatedKey } = await this.#query({ ...input, ...key });
      const rows = Items.flatMap((row) => rowToDueWork(row) ?? []);
      return { rows, scanned: ScannedCount, last: LastEvaluatedKey };
    };
    if (pipelines !== undefined && since === undefined && after === undefined)
      return await this.#scans.look(queue, pipelines, now, limit, read);
    const found: DueWork[] = [];
    for (let last: Item | undefined; ; ) {
      const page = await read({ since, after: last });
      found.push(...page.rows);
      last = page.last;
      // A page may be cut before its limit.
      if (found.length >= limit || last === undefined) return found.slice(0, limit);
    }
  }

  async #query(input: QueryCommandInput): Promise<QueryCommandOutput> {
    return await this.#requests.run({ operation: "Query" }, input, (client, full) =>
      client.send(new QueryCommand(full)),
    );
  }

  async ping(): Promise<void> {
    await this.get("proj_000000000000", { consistent: false });
  }
}

function throttled(keys: number): StagefoldError<"STORE_UNAVAILABLE"> {
  const message = `The store is too busy: it left ${keys} items of a batch unread, ${MAX_EMPTY_BATCHES} times.`;
  return new StagefoldError("STORE_UNAVAILABLE", message, { retry_after: 5 });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
