// A program that asks an agent which never yields, and prints its process id. Its first argument is a folder.
import { createAgentRunner } from "@stagefold/agent-runner";
import { createMemoryFileStores } from "@stagefold/core";

const { artifacts } = createMemoryFileStores();
const project_id = "proj_000000000001";
const file = { path: "agents/a/a.mjs", stage: "s", attempt: 1 };
const source = `
  process.stdin.once("data", () => {
    process.stdout.write(JSON.stringify({ type: "text", text: String(process.pid) }) + "\\n", () =>
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });`;
await artifacts.put({ project_id, ...file }, Buffer.from(source));
const runner = createAgentRunner({
  artifacts,
  filesOf: async () => [],
  folder: process.argv[2] ?? "",
  env: {},
  secrets: { get: async () => new Map() },
  spending: { isOver: async () => false, add: async () => undefined },
  model: () => undefined,
  onProblem: () => undefined,
});
const version = {
  version: 1,
  project_id,
  run: 1,
  ...file,
  entry: file.path,
  kind: "rules",
  files: [file],
  tools: [],
  unmet: [],
  secrets: [],
};
const settings = { model: "default", max_steps: 1, timeout_seconds: 60, max_output_tokens: 1 };
await runner.run(
  /** @type {any} */ ({
    agent: { agent_id: "agent_000000000001" },
    version,
    history: [],
    user: { text: "x", files: [] },
    settings,
  }),
  {
    signal: new AbortController().signal,
    onEvent: (event) => event.event === "text" && process.stdout.write(`${event.text}\n`),
  },
);
