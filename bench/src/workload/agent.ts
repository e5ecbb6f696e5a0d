import { createClient, type StagefoldClient } from "@stagefold/client";

/** Its one tool gives a kilobyte. */
const ENTRY = `
import { createInterface } from "node:readline";
const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
say({ type: "ready", protocol: 1, tools: [] });
for await (const line of createInterface({ input: process.stdin }))
  say({ type: "result", id: JSON.parse(line).id, output: "row ".repeat(256), failed: false });
`;

/** A client, and an agent of kind `model` that a program built through it. */
export async function publishAgent(url: string): Promise<{ client: StagefoldClient; agent_id: string }> {
  const client = createClient({ url });
  const { project_id } = await client.projects.create({
    pipeline: "bench-agent",
    requirement: "An agent that is measured",
    stages: [{ stage: "make" }],
  });
  const held = await client.work.claim({ owner: "bench", project_id });
  if (held === null) throw new Error("the build of the agent cannot be claimed");
  const { lease_token, lease_seq } = held;
  const lease = { project_id, lease_token };
  await client.work.report({
    ...lease,
    lease_seq: lease_seq + 1,
    events: [{ event: "started", stage: "make" }],
  });
  const path = "agents/measured.mjs";
  const made = await client.artifacts.upload({ ...lease, stage: "make", attempt: 1, path, content: ENTRY });
  const events = [{ event: "completed" as const, stage: "make", artifacts: [made] }];
  await client.work.report({ ...lease, lease_seq: lease_seq + 2, events });
  const tool = { name: "look", description: "Looks.", input_schema: { type: "object", properties: {} } };
  const { agent_id } = await client.agents.publish({
    project_id,
    entry: path,
    kind: "model",
    agent_name: "measured",
    tools: [tool],
  });
  return { client, agent_id };
}
