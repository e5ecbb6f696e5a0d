import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { createClient, StagefoldClientError } from "@stagefold/client";

export type Answer = { readonly data: unknown } | { readonly refused: string };

/** One way to speak with an API. */
export interface Caller {
  call(procedure: string, kind: "query" | "mutation", input: unknown): Promise<Answer>;
  /** Calls back with each state of a build. Gives the way to end it. */
  watch(projectId: string, onState: (state: unknown) => void): () => void;
  close(): void;
}

export function clientCaller(url: string): Caller {
  const client = createClient({ url });
  return {
    call: async (procedure, _kind, input) => {
      const [router = "", name = ""] = procedure.split(".");
      const method: unknown = Reflect.get(Object(Reflect.get(client, router)), name);
      if (typeof method !== "function") throw new Error(`the client has no ${procedure}`);
      try {
        return { data: await method(input) };
      } catch (error) {
        if (error instanceof StagefoldClientError) return { refused: error.code };
        throw error;
      }
    },
    watch: (project_id, onState) => {
      const ending = new AbortController();
      const follow = async () => {
        for await (const state of client.projects.watch({ project_id }, { signal: ending.signal }))
          onState(state);
      };
      void follow().catch(() => undefined);
      return () => ending.abort();
    },
    close: () => undefined,
  };
}

/** The example of Python, which has the standard library alone. */
export function pythonCaller(url: string): Caller {
  const script = join(import.meta.dirname, "caller.py");
  const child = spawn("python3", [script, url], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    call: async (procedure, kind, input) => {
      child.stdin.write(`${JSON.stringify({ procedure, kind, input })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error("the program in Python has ended");
      return JSON.parse(value);
    },
    watch: (projectId, onState) => {
      const watching = spawn("python3", [script, url, projectId], { stdio: ["ignore", "pipe", "inherit"] });
      return eachLine(watching, (line) => onState(JSON.parse(line)));
    },
    close: () => child.stdin.end(),
  };
}

const run = promisify(execFile);

export function curlCaller(url: string): Caller {
  return {
    call: async (procedure, kind, input) => {
      const address = `${url}/trpc/${procedure}`;
      const json = JSON.stringify(input);
      const { stdout } = await run(
        "curl",
        kind === "mutation"
          ? ["-sS", "-H", "content-type: application/json", "--data-binary", json, address]
          : ["-sS", "--get", "--data-urlencode", `input=${json}`, address],
      );
      const { result, error } = JSON.parse(stdout);
      return error ? { refused: error.data.stagefold.code } : { data: result.data };
    },
    watch: (projectId, onState) =>
      eachLine(
        spawn("curl", ["-sSN", `${url}/v1/projects/${projectId}/events`], {
          stdio: ["ignore", "pipe", "inherit"],
        }),
        (line) => {
          if (line.startsWith("data: {")) onState(JSON.parse(line.slice("data: ".length)));
        },
      ),
    close: () => undefined,
  };
}

function eachLine(child: ChildProcess, onLine: (line: string) => void): () => void {
  if (child.stdout) createInterface({ input: child.stdout }).on("line", onLine);
  return () => void child.kill();
}
