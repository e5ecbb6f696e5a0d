import { DEFAULT_POOL, workQueues } from "@stagefold/core";
import { recordsTableDefinition, tableDefinition } from "@stagefold/core/dynamodb";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { read } from "./support/tree.ts";

const statementSchema = z.object({
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: z.union([z.string(), z.array(z.string())]),
});
const policySchema = z.object({ Statement: z.array(statementSchema) });

/** The statements of the policy that a page shows, each as its actions. */
function statementsIn(page: string): string[][] {
  const [, json = ""] = /```json\n(\{\s*"Version"[\s\S]*?)```/.exec(read(page)) ?? [];
  return policySchema.parse(JSON.parse(json)).Statement.map(({ Action }) => [Action].flat());
}

const actionsIn = (page: string) => statementsIn(page).flat();

/** The actions of a list in the sources of deploy/aws, which is not installed here. */
function actionsNamed(name: string): string[] {
  const [, list = ""] = new RegExp(`${name} = (\\[[^\\]]*\\])`).exec(read("deploy/aws/src/rights.ts")) ?? [];
  return z.array(z.string()).parse(JSON.parse(list.replace(/,\s*\]/, "]")));
}

describe("deploy/aws", () => {
  test("makes the tables of core, and counts the queues of core", () => {
    const { TableName: _p, BillingMode: _b, ...projects } = tableDefinition("");
    const { TableName: _r, BillingMode: _c, expiresBy, ...records } = recordsTableDefinition("");
    const core = {
      tables: { projects, records: { ...records, expires_by: expiresBy } },
      work_queues: [1, 2, 3, 4, 5].flatMap((priority) => workQueues(DEFAULT_POOL, priority)),
    };
    expect(JSON.parse(read("deploy/aws/src/core.json"))).toEqual(core);
  });

  test("gives tasks what the page on AWS says, but for what makes tables and reads them whole", () => {
    const given = [...actionsNamed("TABLE_ACTIONS"), ...actionsNamed("OBJECT_ACTIONS"), "s3:ListBucket"];
    const before = ["dynamodb:CreateTable", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"];
    const expected = actionsIn("docs/aws.md").filter(
      (action) => action !== "dynamodb:Scan" && !before.includes(action),
    );
    expect(given.sort()).toEqual(expected.sort());
    const ofTables = actionsIn("docs/aws.md").filter((action) => action.startsWith("dynamodb:"));
    expect(actionsIn("docs/cost.md").sort()).toEqual(ofTables.sort());
    // What every start asks is not among what the first one needs besides.
    expect(statementsIn("docs/cost.md").at(-1)).toEqual(before);
  });

  test("is installed by its own lockfile, and is no part of the install of the repository", () => {
    expect(read("pnpm-workspace.yaml")).not.toMatch(/deploy/);
    const manifest = z.object({ dependencies: z.record(z.string(), z.string()) });
    const { dependencies } = manifest.parse(JSON.parse(read("deploy/aws/package.json")));
    const lock = z.object({ packages: z.record(z.string(), z.looseObject({})) });
    const { packages } = lock.parse(JSON.parse(read("deploy/aws/package-lock.json")));
    expect(packages[""]).toMatchObject({ dependencies });
  });
});
