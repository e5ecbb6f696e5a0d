import { MemoryRecordStore } from "@stagefold/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { serve } from "../../test/serve.ts";
import { Auth } from "../auth/authenticate.ts";
import { toolRefusal } from "./answer.ts";
import { RemoteBackend } from "./remote-backend.ts";

const deps = memoryDeps();
let api: Awaited<ReturnType<typeof serve>>;
let backend: RemoteBackend;
beforeAll(async () => {
  const onError = (error: unknown) => expect.unreachable(String(error));
  const auth = new Auth({ keys: true }, { records: new MemoryRecordStore(), clock: deps.clock, onError });
  api = await serve({ ...deps, auth });
  const { key } = await auth.keys.create({ name: "admin", role: "admin" }, "test");
  backend = new RemoteBackend(api.url, key, "1.0.0");
});
afterAll(() => api.close());

describe("what a tool of stagefold mcp is asked for", () => {
  const refusalOf = async (asked: Promise<unknown>): Promise<unknown> =>
    await asked.then(
      (found) => found,
      (error: unknown) => Reflect.get(Object(toolRefusal(error).structuredContent), "code"),
    );

  it("is an artifact: a path that leads out of the artifacts reads nothing else of the API with its key", async () => {
    const { project_id } = await Program.begin(callerOf(deps));
    for (const path of ["../../v1/keys", "a/../../../v1/audit", "..", ".", "a//b", "", "../../metrics"])
      expect(await refusalOf(backend.artifact({ project_id, path }, 1000)), path).toBe("INVALID_INPUT");
    const outside = backend.artifact({ project_id: "../v1", path: "keys" }, 1000);
    expect(await refusalOf(outside)).toBe("INVALID_INPUT");
  });

  it("is the procedure's own thing: an id that is a step to another address is refused", async () => {
    const { project_id } = await Program.begin(callerOf(deps));
    for (const stage of ["..", ".", "", undefined, "\ud800"])
      expect(await refusalOf(backend.call("stages.get", { project_id, stage }))).toBe("INVALID_INPUT");
    expect(await refusalOf(backend.call("agents.get", { agent_id: "." }))).toBe("INVALID_INPUT");
    expect(await backend.call("stages.get", { project_id, stage: "one" })).toMatchObject({ stage: "one" });
  });
});
