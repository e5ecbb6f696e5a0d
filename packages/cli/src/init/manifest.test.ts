import { describe, expect, it } from "vitest";
import { parseManifest, withStagefold } from "./manifest.ts";

describe("the manifest that init writes", () => {
  it("is a module's, with scripts and what they need, where there was none", () => {
    const made = withStagefold(undefined, "0.3.0");
    expect(made).toMatchObject({
      private: true,
      type: "module",
      scripts: { start: "stagefold up --pipelines pipelines", typecheck: "tsc" },
      dependencies: { stagefold: "^0.3.0", "@stagefold/pipeline": "^0.3.0", zod: "^4.1.0" },
    });
    expect(Object.keys(made.devDependencies ?? {})).toEqual(["@types/node", "tsx", "typescript"]);
  });

  it("takes what npm init has just written for new", () => {
    const fresh = {
      name: "x",
      type: "commonjs",
      scripts: { test: 'echo "Error: no test specified" && exit 1' },
    };
    expect(withStagefold(fresh, "0.3.0")).toMatchObject({
      name: "x",
      type: "module",
      scripts: { test: expect.stringContaining("node --import tsx --test") },
    });
  });

  it("takes what an install in an empty folder has written for new", () => {
    const installed = { private: true, dependencies: { stagefold: "file:stagefold.tgz" } };
    expect(withStagefold(installed, "0.3.0")).toMatchObject({ ...installed, type: "module" });
    expect(withStagefold({ ...installed, main: "index.js" } as object, "0.3.0").type).toBeUndefined();
  });

  it("changes nothing that a project has: its kind, its scripts, its versions", () => {
    const before = {
      type: "commonjs",
      scripts: { test: "jest", start: "node server.js" },
      dependencies: { zod: "4.2.0", stagefold: "file:stagefold.tgz" },
      devDependencies: { typescript: "5.9.3", "@stagefold/client": "0.3.0" },
    };
    const after = withStagefold(before, "0.3.0");
    expect(after).toMatchObject(before);
    expect(after.dependencies).not.toHaveProperty("@stagefold/client");
    expect(withStagefold(after, "0.3.0")).toEqual(after);
  });

  it.each(["{", "[]", "null", '{"scripts":{"test":1}}', '{"dependencies":"x"}'])("refuses %s", (text) => {
    expect(() => parseManifest(text, "package.json")).toThrow(/package\.json: expected/);
  });
});
