import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, start, tempFolder } from "./harness.ts";

describe("a team that is asked for keys", () => {
  it("signs in by the printed link; a viewer writes nothing by command or request; a revoked key's watch ends", async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: folder.path, env: { STAGEFOLD_AUTH: "keys" } });
    const [, link = "", admin = ""] = /(http:\/\/\S+\/#key=(sf_\S+))/.exec(system.printed()) ?? [];
    expect(link).toContain(system.url);
    const file = join(folder.path, "admin-key");
    expect([(await readFile(file, "utf8")).trim(), (await stat(file)).mode & 0o777]).toEqual([admin, 0o600]);

    const as = (key: string) => ({
      STAGEFOLD_URL: system.url,
      STAGEFOLD_KEY: key,
      STAGEFOLD_DATA_DIR: folder.path,
    });
    const made = await run(["keys", "create", "wall", "--role", "viewer", "--json"], as(admin));
    const { key, key_id } = JSON.parse(made.stdout);
    const created = await run(["create", "a calculator", "--json"], as(admin));
    const project_id = idOf(created.stdout);
    expect((await run(["ls"], as(key))).stdout).toContain(project_id);
    for (const command of [
      ["create", "x"],
      ["pause", project_id],
      ["delete", project_id, "--yes"],
      ["keys", "create", "mine"],
    ]) {
      const refused = await run(command, as(key));
      expect([command[0], refused.code, refused.stderr]).toEqual([
        command[0],
        1,
        expect.stringContaining("role viewer"),
      ]);
    }
    const authorization = `Bearer ${key}`;
    for (const [path, body] of [
      ["/trpc/projects.create", { requirement: "x" }],
      ["/trpc/projects.cancel", { project_id }],
      [`/v1/projects/${project_id}/cancel`, {}],
    ] as const) {
      const headers = { authorization, "content-type": "application/json" };
      const answer = await fetch(system.url + path, { method: "POST", headers, body: JSON.stringify(body) });
      expect([path, answer.status]).toEqual([path, 403]);
    }

    const rotated = JSON.parse((await run(["keys", "rotate", key_id, "--json"], as(admin))).stdout);
    expect((await run(["ls"], as(key))).code).toBe(1);
    // A build that waits for long: its watch would go on.
    const later = JSON.stringify({
      requirement: "x",
      start_at: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const headers = { authorization: `Bearer ${admin}`, "content-type": "application/json" };
    const waiting = await fetch(`${system.url}/v1/projects`, { method: "POST", headers, body: later });
    const stream = await fetch(`${system.url}/v1/projects/${idOf(await waiting.text())}/events`, {
      headers: { authorization: `Bearer ${rotated.key}` },
    });
    const ended = (async () => {
      for await (const _part of stream.body ?? []);
    })().catch(() => undefined);
    const revoked = await run(["keys", "revoke", key_id], as(admin));
    const from = performance.now();
    await ended;
    expect([revoked.code, performance.now() - from < 1000]).toEqual([0, true]);
    expect((await run(["ls"], as(rotated.key))).code).toBe(1);
  });
});

function idOf(json: string): string {
  return /"project_id":\s*"(proj_\w+)"/.exec(json)?.[1] ?? "";
}
