import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterEach, expect, it, vi } from "vitest";
import { secretSource } from "./secrets.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function aFile(text: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-secrets-"));
  folders.push(folder);
  const file = join(folder, "secrets.env");
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

it("finds secrets in the environment first, then in the file, as it is now", async () => {
  const from = await aFile('TOKEN=of the file\nKEY="first\nsecond"\nOTHER=x');
  const source = secretSource({ given: { TOKEN: "of the environment" }, from });
  const found = await source.get(["TOKEN", "KEY", "NONE", "__proto__"]);
  expect([...found]).toEqual([
    ["TOKEN", "of the environment"],
    ["KEY", "first\nsecond"],
  ]);
  await writeFile(from, "KEY=rotated");
  expect((await source.get(["KEY"])).get("KEY")).toBe("rotated");
});

it("gives those alone that may be asked for", async () => {
  const source = secretSource({ given: { TOKEN: "a", KEY: "b" }, from: undefined, only: ["KEY"] });
  expect([...(await source.get(["TOKEN", "KEY"]))]).toEqual([["KEY", "b"]]);
});

// Skipped when files have no permission bits.
it.runIf(process.platform !== "win32")(
  "refuses a file that others may read, and one that is not there",
  async () => {
    const open = secretSource({ given: {}, from: await aFile("A=b", 0o644) });
    await expect(open.get(["A"])).rejects.toThrow(/its owner alone may read.*644/);
    const gone = secretSource({ given: {}, from: "/nowhere/secrets" });
    await expect(gone.get(["A"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  },
);

it("reads parameters of SSM below a path, decrypted, ten at a time and once a minute", async () => {
  const asked: { Names: string[]; WithDecryption: boolean }[] = [];
  const server = createServer(async (req, res) => {
    const body = Object(await json(req));
    asked.push(body);
    const Parameters = body.Names.filter((name: string) => !name.endsWith("/NONE")).map((Name: string) => ({
      Name,
      Value: `value of ${Name}`,
    }));
    res.setHeader("content-type", "application/x-amz-json-1.1");
    res.end(JSON.stringify({ Parameters, InvalidParameters: [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("expected a port");
  vi.stubEnv("AWS_ENDPOINT_URL_SSM", `http://127.0.0.1:${address.port}`);
  vi.stubEnv("AWS_REGION", "eu-central-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  try {
    const source = secretSource({ given: {}, from: "ssm:/team/prod" });
    const names = Array.from({ length: 12 }, (_, i) => `S${i}`);
    const found = await source.get([...names, "NONE"]);
    expect(found.size).toBe(12);
    expect(found.get("S11")).toBe("value of /team/prod/S11");
    expect(asked.map(({ Names, WithDecryption }) => [Names.length, WithDecryption])).toEqual([
      [10, true],
      [3, true],
    ]);
    await source.get(["S0"]);
    expect(asked.length).toBe(2);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
