import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { DEFAULT_POOL, type Item, PROJECT_STATUSES, type Repository } from "@stagefold/core";
import { createDynamoClient, INDEXES } from "@stagefold/core/dynamodb";
import { AGENTS, USERS } from "../world/driver.ts";
import { persist } from "../world/patience.ts";
import { TABLE, type World } from "../world/world.ts";

/** Everything that the engine has, read while nothing is going on. */
export interface Observation {
  /** The items of the table. */
  readonly items: readonly Item[];
  /** The rows of each index, as they are kept. */
  readonly rows: ReadonlyMap<string, readonly Item[]>;
  /** What a reader gets: the ids of each list, in its order. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

export async function observe(world: World): Promise<Observation> {
  const client = createDynamoClient({ endpoint: world.engine.endpoint });
  try {
    const documents = DynamoDBDocumentClient.from(client);
    const items = await persist(() => scan(documents));
    const rows = new Map<string, readonly Item[]>();
    for (const name of Object.keys(INDEXES)) rows.set(name, await persist(() => scan(documents, name)));
    return { items, rows, lists: await readLists(world.direct) };
  } finally {
    client.destroy();
  }
}

async function scan(client: DynamoDBDocumentClient, index?: string): Promise<Item[]> {
  const items: Item[] = [];
  const consistent = index === undefined ? { ConsistentRead: true } : { IndexName: index };
  for await (const page of paginateScan({ client }, { TableName: TABLE, ...consistent }))
    items.push(...(page.Items ?? []));
  return items;
}

export async function readLists(repository: Repository): Promise<Map<string, string[]>> {
  const filters = [
    {},
    ...PROJECT_STATUSES.map((status) => ({ status })),
    ...USERS.map((user_id) => ({ user_id })),
  ];
  const lists = new Map<string, string[]>();
  for (const filter of filters)
    lists.set(nameOf("projects", filter), await persist(() => allProjects(repository, filter)));
  for (const agent_id of AGENTS)
    lists.set(nameOf("artifacts", { agent_id }), await persist(() => allArtifacts(repository, agent_id)));
  const work = await persist(async () => [
    ...(await repository.work.due(DEFAULT_POOL, 1000)),
    ...(await repository.work.held(DEFAULT_POOL, 1000)),
  ]);
  lists.set(
    "work",
    work.map((row) => row.project_id),
  );
  return lists;
}

export function nameOf(list: string, filter: object): string {
  return `${list} ${JSON.stringify(filter)}`;
}

type Filter = Parameters<Repository["lists"]["projects"]>[0];

async function allProjects(repository: Repository, filter: Filter): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await repository.lists.projects(filter, 50, cursor);
    ids.push(...page.items.map((item) => item.project_id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

/** As `<project>/<stage>/<attempt>/<path>`. */
async function allArtifacts(repository: Repository, agentId: string): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await repository.lists.artifactsByAgent(agentId, 50, cursor);
    found.push(...page.items.map((one) => [one.project_id, one.stage, one.attempt, one.path].join("/")));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}
