import { startEngine } from "@stagefold/store-testing/engine";
import { it } from "vitest";
import { tempFolder } from "./harness.ts";
import { rounds } from "./talk-kills.ts";

// Apart from talk-kills.soak.test.ts, so that both run at the same time.
it("no turn is lost, doubled or moved when API, worker and runner are killed in its middle, on DynamoDB", async () => {
  await using folder = await tempFolder();
  await using engine = await startEngine();
  await rounds(folder.path, {
    STAGEFOLD_STORE: "dynamodb",
    STAGEFOLD_DYNAMODB_ENDPOINT: engine.endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  });
});
