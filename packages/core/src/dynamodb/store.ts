import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { Item, Patch } from "../patch/index.ts";
import type { DueWork, ListPage, ListQuery, ProjectStore, Written } from "../ports/project-store.ts";
import { toDeleteItem, toPutItem, toUpdateItem } from "./expression.ts";
import { dueQuery, listQuery, rowToDueWork } from "./queries.ts";
import { failedCondition, type RequestListener, Requests, translation } from "./requests.ts";

/** Items that one BatchGetItem takes. */
const BATCH = 100;

/** The project store on DynamoDB: one request per transition. */
export class DynamoProjectStore implements ProjectStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #requests: Requests;

  constructor(client: DynamoDBClient, table: string, listener?: RequestListener) {
    this.#documents = DynamoDBDocumentClient.from(client, translation());
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
        return this.#requests.run({ ...about, operation: "PutItem" }, async () => {
          await this.#documents.send(new PutCommand(toPutItem(patch, this.#table)));
          return { ok: true, item: patch.item };
        });
      case "update":
        return this.#requests.run({ ...about, operation: "UpdateItem" }, async () => {
          const { Attributes } = await this.#documents.send(
            new UpdateCommand(toUpdateItem(patch, this.#table)),
          );
          return { ok: true, item: Attributes };
        });
      case "delete":
        return this.#requests.run({ ...about, operation: "DeleteItem" }, async () => {
          const answer = await this.#documents.send(new DeleteCommand(toDeleteItem(patch, this.#table)));
          // Gone at the second attempt: the first one's reply was lost.
          const mine = (answer.$metadata.attempts ?? 1) > 1;
          return { ok: answer.Attributes !== undefined || mine, item: answer.Attributes };
        });
      default:
        return patch satisfies never;
    }
  }

  async get(projectId: string, options: { readonly consistent?: boolean } = {}): Promise<Item | undefined> {
    return await this.#requests.run({ operation: "GetItem", project_id: projectId }, async () => {
      const Key = { project_id: projectId };
      const input = { TableName: this.#table, Key, ConsistentRead: options.consistent ?? true };
      return (await this.#documents.send(new GetCommand(input))).Item;
    });
  }

  async getMany(projectIds: readonly string[]): Promise<readonly Item[]> {
    const found: Item[] = [];
    let keys = [...new Set(projectIds)].map((project_id) => ({ project_id }));
    // An answer may leave keys for another request: 16 MB at the most come at once.
    while (keys.length > 0) {
      const RequestItems = { [this.#table]: { Keys: keys.slice(0, BATCH) } };
      const answer = await this.#requests.run({ operation: "BatchGetItem" }, () =>
        this.#documents.send(new BatchGetCommand({ RequestItems })),
      );
      found.push(...(answer.Responses?.[this.#table] ?? []));
      const left = answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
      keys = [...left.map((key) => ({ project_id: String(key.project_id) })), ...keys.slice(BATCH)];
    }
    return found;
  }

  async list(query: ListQuery): Promise<ListPage> {
    const { since = "", until = "~" } = query;
    // DynamoDB refuses a range that ends before it begins.
    if (until <= since) return { items: [], more: false };
    const { items, more } = await this.#query(listQuery(this.#table, query));
    return { items, more };
  }

  async due(queue: string, now: string, limit: number): Promise<readonly DueWork[]> {
    const { items } = await this.#query(dueQuery(this.#table, queue, now, limit));
    return items.flatMap((row) => rowToDueWork(row) ?? []);
  }

  async #query(input: QueryCommandInput): Promise<ListPage> {
    return await this.#requests.run({ operation: "Query" }, async () => {
      const answer = await this.#documents.send(new QueryCommand(input));
      return { items: answer.Items ?? [], more: answer.LastEvaluatedKey !== undefined };
    });
  }

  async ping(): Promise<void> {
    await this.get("proj_000000000000", { consistent: false });
  }
}
