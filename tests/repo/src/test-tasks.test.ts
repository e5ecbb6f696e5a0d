import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { projectFiles, read, root } from "./support/tree.ts";

const graph = z.object({
  tasks: z.array(z.object({ taskId: z.string(), dependencies: z.array(z.string()) })),
});

test("tests that run what another workspace built wait for that build", () => {
  const turbo = join(root, "node_modules/turbo/bin/turbo");
  const printed = execFileSync(process.execPath, [turbo, "run", "test", "--dry=json"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const { tasks } = graph.parse(JSON.parse(printed));
  const dependencies = new Map(tasks.map((task) => [task.taskId, task.dependencies]));
  const waitsFor = (task: string, other: string): boolean =>
    (dependencies.get(task) ?? []).some((one) => one === other || waitsFor(one, other));
  const nameOf = (folder: string) =>
    z.object({ name: z.string() }).parse(JSON.parse(read(`${folder}/package.json`))).name;
  const missing: string[] = [];
  let uses = 0;
  for (const path of projectFiles()) {
    const [folder] = /^(?:apps|packages|tests|examples)\/[^/]+(?=\/(?:src|test)\/)/.exec(path) ?? [];
    if (folder === undefined || folder === "tests/repo" || !path.endsWith(".ts")) continue;
    for (const [, built = ""] of read(path).matchAll(/\/((?:apps|packages)\/[a-z-]+)\/dist\//g)) {
      uses += 1;
      const [task, build] = [`${nameOf(folder)}#test`, `${nameOf(built)}#build`];
      if (built !== folder && !waitsFor(task, build))
        missing.push(`${path}: ${task} does not wait for ${build}`);
    }
  }
  expect(uses).toBeGreaterThan(0);
  expect(missing).toEqual([]);
});
