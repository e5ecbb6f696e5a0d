import {
  createDynamoClient,
  DynamoProjectStore,
  ensureTable,
  type RequestListener,
} from "@stagefold/core/dynamodb";
import { type EngineName, startEngine } from "../src/engine.ts";

export { ENGINES } from "../src/engine.ts";

/** A store on an engine of its own. */
export async function startStore(name: EngineName, listener?: RequestListener) {
  const engine = await startEngine(name);
  const client = createDynamoClient({ endpoint: engine.endpoint });
  await ensureTable(client, "AgentProjects");
  return {
    client,
    endpoint: engine.endpoint,
    store: new DynamoProjectStore(client, "AgentProjects", listener),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await engine.close();
    },
  };
}
