import { it } from "vitest";
import { tempFolder } from "./harness.ts";
import { rounds } from "./talk-kills.ts";

it("no turn is lost, doubled or moved when API, worker and runner are killed in its middle, on SQLite", async () => {
  await using folder = await tempFolder();
  await rounds(folder.path, {});
});
