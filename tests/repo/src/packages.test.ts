import { expect, test } from "vitest";
import { inOrder, publicWorkspaces, releaseProblem } from "../../../scripts/lib/public-workspaces.mjs";

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

test("packages are published after those that they need", () => {
  const names: string[] = [];
  for (const { manifest } of inOrder(publicWorkspaces())) {
    const own = Object.entries(manifest.dependencies ?? {}).filter(([, range]) =>
      range.startsWith("workspace:"),
    );
    expect(names).toEqual(expect.arrayContaining(own.map(([name]) => name)));
    names.push(manifest.name);
  }
  expect(names).toHaveLength(publicWorkspaces().length);
});

test("a release is refused until all have one version and the changelog has its day", () => {
  const of = (version: string) => ({ dir: version, manifest: { name: version, version } });
  const dated = "# Changelog\n\n## 1.2.0 (2026-01-31)\n";
  expect(releaseProblem([of("1.2.0")], dated, "")).toBeUndefined();
  expect(releaseProblem([of("1.2.0")], dated, " M README.md\n")).toContain("without changes");
  expect(releaseProblem([of("1.2.0"), of("1.3.0")], dated, "")).toContain("one version");
  expect(releaseProblem([of("1.2.0")], "## 1.2.0 (unreleased)", "")).toContain(
    'found "## 1.2.0 (unreleased)"',
  );
  expect(releaseProblem([of("1.3.0")], dated, "")).toContain('expected "## 1.3.0 (YYYY-MM-DD)"');
});
