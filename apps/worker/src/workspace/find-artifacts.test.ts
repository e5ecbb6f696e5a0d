import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findArtifacts } from "./find-artifacts.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "stagefold-find-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const sh = (script: string) => execFileSync("sh", ["-c", script], { cwd: root });
const find = (...patterns: string[]) => findArtifacts(root, patterns);

it.each<[string, string[]]>([
  ["app/[id]/page.tsx", ["app/[id]/page.tsx"]],
  ["(group)/x", ["(group)/x"]],
  ["[...slug]", ["[...slug]/deep/y", "[...slug]/z"]],
  ["[...slug]/**", ["[...slug]/deep/y", "[...slug]/z"]],
  ["[...slug]/*", ["[...slug]/z"]],
  ["a+(b)", ["a+(b)"]],
  ["a{b,c}", ["a{b,c}"]],
  ["!not", ["!not"]],
  ["*", ["!not", "a+(b)", "ab", "a{b,c}", "i", "star*"]],
  ["star*", ["star*"]],
  ["app/[i]d", []],
  ["[i]", ["i"]],
  ["./app/[id]/page.tsx", ["app/[id]/page.tsx"]],
  [".hidden/deep/f", [".hidden/deep/f"]],
  [".hidden/**", [".hidden/deep/f"]],
  ["**/page.tsx", ["app/[id]/page.tsx"]],
])("F8: what exists is taken literally first: %s", async (pattern, expected) => {
  sh(
    "mkdir -p 'app/[id]' '(group)' '[...slug]/deep' .hidden/deep; for f in 'app/[id]/page.tsx' '(group)/x' '[...slug]/z' '[...slug]/deep/y' 'a+(b)' 'a{b,c}' '!not' ab i 'star*' .hidden/deep/f; do echo > \"$f\"; done",
  );
  const { paths, omitted } = await find(pattern);
  expect(paths).toEqual(expected);
  expect(omitted).toEqual(expected.length === 0 ? [`No file matches the artifacts ${pattern}.`] : []);
});

it("a pattern longer than a name may be hid all that the command had made", async () => {
  sh("touch may.csv other");
  const months = Array.from({ length: 40 }, (_, month) => `report-${month}.csv`);
  const { paths, omitted } = await find(`{${months.join(",")},may.csv}`, "other");
  expect([paths, omitted]).toEqual([["may.csv", "other"], []]);
});

it("F8: each pattern without a match is said, also beside one that matches", async () => {
  await writeFile(join(root, "here"), "");
  expect(await find("here", "there", "no*", "here")).toEqual({
    paths: ["here"],
    omitted: ["No file matches the artifacts there.", "No file matches the artifacts no*."],
  });
});

it("C1: what is no file is left out, by name, and a link counts only for a file in the workspace", async () => {
  sh(
    "mkdir -p dir empty; echo x > dir/f; mkfifo pipe; ln -s dir/f inside; ln -s /etc/passwd outside; ln -s dir to-dir; ln -s loop loop; ln -s gone dangling",
  );
  const { paths, omitted } = await find("**");
  expect(paths).toEqual(["dir/f", "inside"]);
  const said = omitted.join("\n");
  for (const name of ["pipe", "outside", "to-dir", "loop", "dangling"])
    expect(said).toMatch(new RegExp(`artifact ${name} is not recorded: .{8}`));
});

it("C2: a name that no artifact can have is left out without harm to the others", async () => {
  sh(`touch -- 'a b' trail. 'a?b#c%d&e=f' 100% 'ü' -rf con.txt "quo'te" && touch "new
line" 'back\\slash' "$(printf '\\376')"`);
  const { paths, omitted } = await find("*");
  expect(paths).toEqual(["-rf", "100%", "a b", "a?b#c%d&e=f", "con.txt", "quo'te", "trail.", "ü"]);
  expect(omitted.length).toBe(3);
});

// Skipped where there are no users, whose folders others cannot read.
it.runIf(process.getuid !== undefined).each([
  ["**", []],
  ["shut/f", ["No file matches the artifacts shut/f."]],
])("a folder that may not be read is said, and hides no other file: %s", async (pattern, unmatched) => {
  sh("mkdir shut; touch shut/f open; chmod 000 shut; chmod 755 .");
  const isRoot = process.getuid?.() === 0;
  // No folder is closed to root.
  if (isRoot) process.seteuid?.(65_534);
  try {
    const said = "The folder shut cannot be read (EACCES).";
    expect(await find(pattern, "open")).toEqual({ paths: ["open"], omitted: [said, ...unmatched] });
  } finally {
    if (isRoot) process.seteuid?.(0);
    sh("chmod 700 shut");
  }
});
