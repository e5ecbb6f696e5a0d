import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
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
import { transportOf } from "./client.ts";
import { toDeleteItem, toPutItem, toUpdateItem } from "./expression.ts";
import { readList } from "./lists.ts";
import { countQuery, dueQuery, rowToDueWork } from "./queries.ts";
import { failedCondition, type RequestListener, Requests } from "./requests.ts";
import type { Answer, Transport } from "./transport.ts";

/** Items that one BatchGetItem takes. */
const BATCH = 100;
/** Every answer says what it used, for the counters: a few bytes. */
const TELL = { ReturnConsumedCapacity: "TOTAL" } as const;

/** The project store on DynamoDB: one request per transition. */
export class DynamoProjectStore implements ProjectStore {
  readonly #transport: Transport;
  readonly #table: string;
  readonly #requests: Requests;

  constructor(client: DynamoDBClient, table: string, listener?: RequestListener) {
    this.#transport = transportOf(client);
    this.#table = table;
    this.#requests = new Requests(listener);
  }

  async write(patch: Patch): Promise<Written> {
    try {
      return await this.#send(patch);
    } catch (error) {
      const refused = failedCondition(error);
      if (!refused) throw error;
      // Not every engine sends the item along with its refusal.
      return { ok: false, item: refused.item ?? (await this.get(patch.project_id)) };
    }
  }

  #send(patch: Patch): Promise<Written> {
    const about = { transition: patch.transition, project_id: patch.project_id };
    switch (patch.kind) {
      case "put":
        return this.#requests.run({ ...about, operation: "PutItem" }, async (told) => {
          const input = { ...toPutItem(patch, this.#table), ...TELL };
          told(await this.#transport.send({ operation: "PutItem", input }));
          return { ok: true, item: patch.item };
        });
      case "update":
        return this.#requests.run({ ...about, operation: "UpdateItem" }, async (told) => {
          const input = { ...toUpdateItem(patch, this.#table), ...TELL };
          const { Attributes } = told(await this.#transport.send({ operation: "UpdateItem", input }));
          return { ok: true, item: patch.postImage ?? Attributes };
        });
      case "delete":
        return this.#requests.run({ ...about, operation: "DeleteItem" }, async (told) => {
          const input = { ...toDeleteItem(patch, this.#table), ...TELL };
          const answer = told(await this.#transport.send({ operation: "DeleteItem", input }));
          // Gone at the second attempt: the first one's reply was lost.
          const mine = (answer.$metadata.attempts ?? 1) > 1;
          return { ok: answer.Attributes !== undefined || mine, item: answer.Attributes };
        });
      default:
        return patch satisfies never;
    }
  }

  async get(projectId: string, options: { readonly consistent?: boolean } = {}): Promise<Item | undefined> {
    return await this.#requests.run({ operation: "GetItem", project_id: projectId }, async (told) => {
      const Key = { project_id: projectId };
      const input = { TableName: this.#table, Key, ConsistentRead: options.consistent ?? true, ...TELL };
      return told(await this.#transport.send({ operation: "GetItem", input })).Item;
    });
  }

  async getMany(
    projectIds: readonly string[],
    options: { readonly consistent?: boolean } = {},
  ): Promise<readonly Item[]> {
    const found: Item[] = [];
    let keys = [...new Set(projectIds)].map((project_id) => ({ project_id }));
    // An answer may leave keys for another request: 16 MB at the most come at once.
    while (keys.length > 0) {
      const RequestItems = {
        [this.#table]: { Keys: keys.slice(0, BATCH), ConsistentRead: options.consistent ?? false },
      };
      const answer = await this.#requests.run({ operation: "BatchGetItem" }, async (told) =>
        told(await this.#transport.send({ operation: "BatchGetItem", input: { RequestItems, ...TELL } })),
      );
      found.push(...(answer.Responses?.[this.#table] ?? []));
      const left = answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
      keys = [...left.map((key) => ({ project_id: String(key.project_id) })), ...keys.slice(BATCH)];
    }
    return found;
  }

  async list(query: ListQuery): Promise<ListPage> {
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
    return { status, current, all };
  }

  async due(queue: string, now: string, limit: number, range: DueRange = {}): Promise<readonly DueWork[]> {
    // DynamoDB refuses a range that ends before it begins.
    if (range.since !== undefined && range.since > now) return [];
    const found: DueWork[] = [];
    const input = dueQuery(this.#table, queue, now, limit, range);
    for (let from: Item | undefined; ; ) {
      const answer = await this.#query({ ...input, ...(from && { ExclusiveStartKey: from }) });
      found.push(...(answer.Items ?? []).flatMap((row) => rowToDueWork(row) ?? []));
      from = answer.LastEvaluatedKey;
      if (range.pipelines === undefined || found.length >= limit || from === undefined)
        return found.slice(0, limit);
    }
  }

  async #query(input: QueryCommandInput): Promise<Answer> {
    return await this.#requests.run({ operation: "Query" }, async (told) =>
      told(await this.#transport.send({ operation: "Query", input: { ...input, ...TELL } })),
    );
  }

  async ping(): Promise<void> {
    await this.get("proj_000000000000", { consistent: false });
  }
}
