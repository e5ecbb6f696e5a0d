import { expect, test } from "vitest";
import { publicWorkspaces } from "../../../scripts/lib/public-workspaces.mjs";

test("what published packages need is published too, and says what it is", () => {
  for (const { dir, manifest } of publicWorkspaces())
    expect(manifest, dir).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      license: "Apache-2.0",
      description: expect.stringMatching(/\w/),
      files: expect.arrayContaining(["dist"]),
    });
});

test("a published package that needs a private one is named, with what to do", () => {
  const workspaces = [
    { dir: "a", manifest: { name: "a", dependencies: { b: "workspace:*" } } },
    { dir: "b", manifest: { name: "b", private: true } },
  ];
  expect(() => publicWorkspaces(workspaces)).toThrow(/a\/package\.json: a is published and needs b/);
});
