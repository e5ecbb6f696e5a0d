import { expect, it } from "vitest";
import { DamagedDocumentError, ERROR_CODES, StagefoldError, scopeOf } from "./errors.ts";

it("W1: an error that concerns one project is told from one of the store and one of this worker", () => {
  const unreadable = new StagefoldError("SNAPSHOT_UNREADABLE", "text", { project_id: "proj_0123456789ab" });
  const away = new StagefoldError("STORE_UNAVAILABLE", "text", { retry_after: 1 });
  const noDescriptors = Object.assign(new Error("EMFILE"), { code: "EMFILE", syscall: "spawn" });
  expect(scopeOf(unreadable)).toBe("project");
  expect(scopeOf(new TypeError("a bug met by one item"))).toBe("project");
  expect(scopeOf(new DamagedDocumentError("proj_0123456789ab", "artifacts-a-1"))).toBe("project");
  expect(scopeOf(away)).toBe("store");
  expect(scopeOf(noDescriptors)).toBe("worker");
  for (const code of ERROR_CODES)
    expect(["project", "store"]).toContain(scopeOf(new StagefoldError(code, "text", Object.create(null))));
});
