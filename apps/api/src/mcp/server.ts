import { McpServer } from "@modelcontextprotocol/server";
import type { McpBackend } from "./backend.ts";
import { addResources } from "./resources.ts";
import { addTools } from "./tools.ts";

const INSTRUCTIONS = `Stagefold builds AI agents in stages. create_build starts a build and wait_for_build waits for its end, or for a
question, which answer_gate answers. When a build has failed, get_build says why, read_log shows the log of a stage, and
retry_build runs it again. A build is also the resource stagefold://builds/{project_id}, which can be watched.
list_agents has the agents that were built, and ask_agent asks one of them a question.`;

/** A server of the Model Context Protocol, for one request or one connection. */
export function createMcpServer(backend: McpBackend): McpServer {
  const server = new McpServer(
    { name: "stagefold", title: "Stagefold", version: backend.version },
    { instructions: INSTRUCTIONS, capabilities: { resources: { subscribe: true } } },
  );
  addTools(server, backend);
  addResources(server, backend);
  return server;
}
