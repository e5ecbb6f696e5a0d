import { describe, expect, test } from "vitest";
import { type Finding, lintFiles } from "./support/lint.ts";

// [file that imports, what it imports, part of the message that says what to do instead]
const refused = [
  ["packages/core/src/project/a.ts", "node:fs", "belongs behind a port"],
  ["packages/core/src/project/b.ts", "@aws-sdk/lib-dynamodb", "belongs behind a port"],
  ["packages/core/src/project/c.ts", "../dynamodb/table.ts", "take the port from src/ports"],
  ["packages/core/src/d.ts", "./files/index.ts", "take the port from src/ports"],
  ["packages/core/src/dynamodb/a.ts", "node:crypto", "zod and the AWS SDK alone"],
  ["packages/core/src/files/a.ts", "@aws-sdk/lib-dynamodb", "zod, Node and node-files alone"],
  ["packages/store-testing/src/a.ts", "@stagefold/sqlite", "takes the store that it tests as an argument"],
  ["packages/pipeline/src/a.ts", "@stagefold/client", "worker -> pipeline -> core"],
  ["packages/pipeline/src/b.ts", "@stagefold/worker", "worker -> pipeline -> core"],
  ["packages/pipeline/src/c.ts", "@stagefold/agent-build", "worker -> pipeline -> core"],
  ["packages/agent-build/src/a.ts", "@stagefold/runtime", "worker -> agent-build -> pipeline -> core"],
  ["packages/client/src/a.ts", "express", "Use web standards"],
  ["packages/client/src/b.ts", "@aws-sdk/client-dynamodb", "Use web standards"],
  ["packages/client/src/c.ts", "node:fs/promises", "Use web standards"],
  ["packages/client/src/d.ts", "@stagefold/api", "the types of @stagefold/api/router"],
  ["packages/client/src/e.ts", "@stagefold/core/files", "the types of @stagefold/api/router"],
  ["packages/react/src/a.ts", "@stagefold/core", "react -> client"],
  ["packages/react/src/b.ts", "node:fs", "The hooks run in browsers"],
  ["packages/cli/src/a.ts", "@stagefold/api/main", "Packages never import apps"],
  ["packages/cli/src/b.ts", "@stagefold/worker", "Packages never import apps"],
  ["apps/api/src/routers/a.ts", "express", "Put this into src/http"],
  ["apps/api/src/routers/b.ts", "node:http", "Put this into src/http"],
  ["apps/api/src/routers/c.ts", "../http/server.ts", "Put this into src/http"],
  ["apps/api/src/routers/deep/d.ts", "../../env.ts", "Take the value from the context"],
  ["apps/api/src/e.ts", "@stagefold/worker", "meet in the table alone"],
  ["apps/worker/src/a.ts", "@stagefold/api/router", "meets the API in the table alone"],
  ["apps/web/src/a.ts", "@stagefold/pipeline", "web -> client -> (types of) api/router -> core"],
  ["apps/worker/src/b.ts", "@stagefold/core/src/errors.ts", "by its name and its exports map"],
  ["packages/cli/src/c.ts", "../../core/src/errors.ts", "by its name and its exports map"],
  ["tests/e2e/src/a.test.ts", "../../../packages/core/src/errors.ts", "by its name and its exports map"],
] as const;

const allowed = [
  ["packages/core/src/ok.ts", "zod"],
  ["packages/core/src/project/ok.ts", "../patch/patch.ts"],
  ["packages/core/src/ok.test.ts", "fast-check"],
  ["packages/core/src/dynamodb/ok.ts", "@aws-sdk/client-dynamodb"],
  ["packages/core/src/files/ok.ts", "node:fs/promises"],
  ["packages/store-testing/src/ok.ts", "vitest"],
  ["packages/pipeline/src/ok.ts", "@stagefold/core"],
  ["packages/agent-build/src/ok.ts", "@stagefold/pipeline"],
  ["packages/client/src/ok.ts", "@trpc/client"],
  ["packages/client/src/ok2.ts", "@stagefold/api/router"],
  ["packages/cli/src/ok.ts", "@stagefold/client"],
  ["packages/react/src/ok.ts", "@stagefold/client"],
  ["apps/api/src/http/ok.ts", "express"],
  ["apps/api/src/http/ok2.ts", "../env.ts"],
  ["apps/api/src/routers/ok.ts", "@trpc/server"],
  ["apps/api/src/routers/ok2.ts", "@stagefold/core"],
  ["apps/worker/src/ok.ts", "@stagefold/pipeline"],
  ["apps/web/src/ok.ts", "@stagefold/client"],
] as const;

const rule = "lint/style/noRestrictedImports";
const sources = [...refused, ...allowed].map(([path, module]): [string, string] => [
  path,
  `import * as imported from "${module}";\nexport { imported };\n`,
]);
const findings: Finding[] = lintFiles(Object.fromEntries(sources)).filter((finding) => finding.rule === rule);

describe("the direction of imports", () => {
  test.each(refused)("%s may not import %s", (path, _module, advice) => {
    expect(findings.filter((finding) => finding.path === path).map(({ message }) => message)).toEqual([
      expect.stringContaining(advice),
    ]);
  });

  test.each(allowed)("%s may import %s", (path) => {
    expect(findings.filter((finding) => finding.path === path)).toEqual([]);
  });
});
