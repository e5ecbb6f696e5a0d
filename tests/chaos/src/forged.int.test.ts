import { join } from "node:path";
import { DeleteCommand, DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Item } from "@stagefold/core";
import { createDynamoClient } from "@stagefold/core/dynamodb";
import { createFileStores } from "@stagefold/core/files";
import { describe, expect, test } from "vitest";
import { collect, compare } from "./audit/audit.ts";
import type { FindingKind } from "./audit/finding.ts";
import { ChosenFaults } from "./net/faults.ts";
import { ENGINES, openWorld, TABLE, type World } from "./world/world.ts";

interface Forgery {
  readonly name: string;
  /** What is put in place of the item; nothing: the item is removed. */
  readonly item: (made: Item, paused: Item) => Item | undefined;
  readonly found: FindingKind;
}

const FORGERIES: readonly Forgery[] = [
  { name: "an older state", item: (made) => made, found: "lost write" },
  { name: "no item", item: () => undefined, found: "lost write" },
  {
    name: "other contents",
    item: (_, paused) => ({ ...paused, requirement: "another one" }),
    found: "lost write",
  },
  {
    name: "a revision that nobody made",
    item: (_, paused) => ({ ...paused, revision: Number(paused.revision) + 1 }),
    found: "unknown write",
  },
];

/** Writes to the table behind the back of the journal: the same as if the engine had lost or made up something. */
async function forge(world: World, { item }: Forgery, n: number): Promise<string> {
  const project_id = await world.driver.create(n);
  const made = world.journal.latest(project_id) ?? expect.fail("no create");
  await world.driver.pause(project_id);
  const forged = item(made, world.journal.latest(project_id) ?? expect.fail("no pause"));
  const client = createDynamoClient({ endpoint: world.engine.endpoint });
  const documents = DynamoDBDocumentClient.from(client);
  if (forged) await documents.send(new PutCommand({ TableName: TABLE, Item: forged }));
  else await documents.send(new DeleteCommand({ TableName: TABLE, Key: { project_id } }));
  client.destroy();
  return project_id;
}

describe.each(ENGINES)("what is in the table of %s and was never acknowledged is found", (engine) => {
  test("whatever it is", async () => {
    await using world = await openWorld({ engine, workers: 0, faults: new ChosenFaults() });
    const forged: [id: string, Forgery][] = [];
    for (const [n, forgery] of FORGERIES.entries()) forged.push([await forge(world, forgery, n), forgery]);
    const evidence = await collect(world, createFileStores(join(world.root, "files")));
    const findings = compare(evidence);
    for (const [id, { name, found }] of forged) {
      const kinds = findings.filter(({ where }) => where === id).map(({ what }) => what);
      expect(kinds, name).toContain(found);
    }
  });
});
