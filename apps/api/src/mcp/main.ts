import { readFile } from "node:fs/promises";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { loadEnv } from "../env.ts";
import { followBuilds } from "./follow-builds.ts";
import { RemoteBackend } from "./remote-backend.ts";
import { createMcpServer } from "./server.ts";

/** `stagefold mcp`: the protocol on stdin and stdout, for a program that starts it; the API is at STAGEFOLD_URL. */
const env = loadEnv();
const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
const backend = new RemoteBackend(env.url, env.key, String(version));
const onerror = (error: Error) => process.stderr.write(`stagefold: ${error.message}\n`);
serveStdio(
  ({ era }) => {
    const server = createMcpServer(backend);
    followBuilds(server, backend, { era, onError: onerror });
    return server;
  },
  { onerror },
);
