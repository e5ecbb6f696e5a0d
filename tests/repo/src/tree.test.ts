import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { filesEndingIn, linesMatching, projectFiles, read, root } from "./support/tree.ts";

const longestFile = 300;
const isTest = (path: string) => /\.(test|test-d|suite)\.tsx?$/.test(path);
const isText = (path: string) => !/\.(png|ico|woff2|jpg|svg)$|^pnpm-lock\.yaml$/.test(path);

test(`a file over ${longestFile} lines says why near its top`, () => {
  const tooLong = filesEndingIn(".ts", ".tsx", ".mjs", ".css")
    .filter((path) => !isTest(path) && !path.includes(".gen."))
    .filter((path) => read(path).split("\n").length - 1 > longestFile)
    .filter((path) => !read(path).split("\n").slice(0, 15).join("\n").includes("// Long because:"));
  expect(tooLong, 'split these files, or add a comment "// Long because: …"').toEqual([]);
});

test("no file names a path of one machine", () => {
  const paths = projectFiles().filter(isText);
  expect(linesMatching(paths, /(^|[\s"'`(=:])\/(?:work|root)\//)).toEqual([]);
});

test("only tests read data from outside the repository", () => {
  const paths = projectFiles().filter((path) => isText(path) && !isTest(path));
  expect(linesMatching(paths, /\.\.\/shared\/(?:data|contract|style)/)).toEqual([]);
});

test("a skipped test says why", () => {
  const skip = /\b(test|it|describe|suite|ctx|context|task)(\.each)?\.(skip|todo|only|skipIf|runIf)\b/;
  // The texts in these are about skipping.
  const about = /^tests\/repo\/src\/(tree|lint-rules|test-summary)\.test\.ts$/;
  const paths = filesEndingIn(".test.ts", ".test.tsx", ".suite.ts").filter((path) => !about.test(path));
  const unexplained = paths.flatMap((path) => {
    const lines = read(path).split("\n");
    return lines.flatMap((line, index) => {
      // The constant says by itself that it is left to the long form.
      const explained =
        /\bskip\(.*["'`]|\.runIf\(SOAK\)/.test(line) || /\/\/ Skipped /.test(lines[index - 1] ?? "");
      return skip.test(line) && !explained ? [`${path}:${index + 1}`] : [];
    });
  });
  expect(unexplained, 'give skip() a reason, or put "// Skipped when …" on the line above').toEqual([]);
});

test("the client imports no code of the API, only its types", () => {
  const sources = projectFiles().filter((path) => path.startsWith("packages/client/src/") && !isTest(path));
  const statements = sources.flatMap(
    (path) => read(path).match(/^(import|export)[^;]*"@stagefold\/api[^;]*;/gm) ?? [],
  );
  expect(statements.filter((statement) => !/^(import|export) type\b/.test(statement))).toEqual([]);
});

test("every workspace with tests is part of the one test run", () => {
  const manifest = z.object({ scripts: z.object({ test: z.string().optional() }).optional() });
  const missing = projectFiles()
    .filter((path) => /^(apps|packages|tests)\/[^/]+\/package\.json$/.test(path))
    .filter((path) => manifest.parse(JSON.parse(read(path))).scripts?.test !== undefined)
    .filter((path) => !existsSync(join(root, dirname(path), "vitest.config.ts")));
  expect(missing).toEqual([]);
});

test("packages/models alone knows the AI SDK", () => {
  const paths = filesEndingIn(".ts", ".tsx", ".mjs").filter((path) => !path.startsWith("packages/models/"));
  expect(linesMatching(paths, /(?:from|import\()\s*"(?:ai|@ai-sdk\/[^"]+)"/)).toEqual([]);
});
