import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Consumer, packageDir } from "./consumer.ts";
import { serve } from "./server.ts";

const run = promisify(execFile);
const require = createRequire(import.meta.url);

let consumer: Consumer;
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  consumer = await Consumer.create();
  server = await serve();
  const sample = await readFile(join(import.meta.dirname, "sample.ts.txt"), "utf8");
  await writeFile(join(consumer.dir, "sample.ts"), sample.replace("SERVER_URL", server.url));
  await writeFile(join(consumer.dir, "package.json"), JSON.stringify({ type: "module", private: true }));
  await writeFile(join(consumer.dir, "tsconfig.json"), JSON.stringify(TSCONFIG));
});

afterAll(async () => {
  await server?.close();
  await consumer?.remove();
});

/** As strict as can be, also with the declarations of what is installed; nothing but the web's own types. */
const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    lib: ["es2022", "dom", "dom.iterable"],
    module: "nodenext",
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    outDir: "out",
  },
  files: ["sample.ts"],
};

/** The compiler of a package of the workspace, such as `typescript-5`. */
function compilerOf(name: string): string {
  return join(dirname(require.resolve(`${name}/package.json`)), "bin", "tsc");
}

test.each(["typescript-5", "typescript"])(
  "a program typechecks with %s, its libraries included",
  async (name) => {
    const { stdout } = await run(process.execPath, [compilerOf(name), "-p", ".", "--listFiles"], {
      cwd: consumer.dir,
    }).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
    const files = stdout.split("\n").filter((file) => file.includes("/node_modules/"));
    const foreign = files.filter(
      (file) => !file.includes("/@stagefold/client/") && !file.includes("/typescript"),
    );
    // What is published needs no types but its own.
    expect(foreign).toEqual([]);
    expect(files.some((file) => file.endsWith("@stagefold/client/dist/index.d.ts"))).toBe(true);
  },
);

test("the program runs against a server", async () => {
  const { stdout } = await run(process.execPath, ["out/sample.js"], { cwd: consumer.dir });
  expect(JSON.parse(stdout)).toEqual({ status: "completed", count: 3, refused: "queued", watched: true });
});

test("nothing of the workspace, and no server library, is mentioned in what is published", async () => {
  const mentions: string[] = [];
  let files = 0;
  for (const entry of await readdir(join(consumer.installed, "dist"), {
    withFileTypes: true,
    recursive: true,
  })) {
    if (!entry.isFile()) continue;
    files += 1;
    const file = join(entry.parentPath, entry.name);
    if (/@stagefold\/(?!client)|\bexpress\b|@aws-sdk|@trpc|from "zod/.test(await readFile(file, "utf8")))
      mentions.push(file);
  }
  expect(files).toBeGreaterThan(10);
  expect(mentions).toEqual([]);
});

test("it depends on one published package alone, at one version", async () => {
  const { dependencies } = JSON.parse(await readFile(join(packageDir, "package.json"), "utf8"));
  expect(dependencies).toEqual({ "eventsource-parser": expect.stringMatching(/^\d+\.\d+\.\d+$/) });
});
