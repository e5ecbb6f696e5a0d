import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export type ProxyName = "nginx" | "caddy";

/** Whether the machine has it. */
export function hasProxy(name: ProxyName): boolean {
  return spawnSync(name, [name === "nginx" ? "-v" : "version"]).status === 0;
}

/** The recipes of a page of the docs in one language, such as `nginx`. */
export async function recipesOf(page: string, language: string): Promise<string[]> {
  const text = await readFile(new URL(`../../../docs/${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)].flatMap(([, name, code = ""]) =>
    name === language ? [code] : [],
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}

/** The real nginx with these blocks in its server, over plain HTTP, or Caddy with these lines as its whole file. */
export async function startProxy(name: ProxyName, config: string, port: number) {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-proxy-"));
  const file = join(folder, "config");
  await writeFile(file, name === "nginx" ? nginxConfig(folder, config, port) : config);
  const [command, args] =
    name === "nginx"
      ? ["nginx", ["-p", folder, "-c", file, "-e", "stderr"]]
      : ["caddy", ["run", "--config", file, "--adapter", "caddyfile"]];
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], env });
  let said = "";
  child.stderr.on("data", (part) => {
    said += part;
  });
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
  for (const end = performance.now() + 15_000; child.exitCode === null && !(await answers()); await sleep(50))
    if (performance.now() > end) throw new Error(`expected ${name} to answer, it said: ${said}`);
  if (child.exitCode !== null) throw new Error(`expected ${name} to run, it said: ${said}`);
  return { [Symbol.asyncDispose]: () => stop(child, folder) };
}

/** Everything below a folder of its own, and compressing as many servers do. */
function nginxConfig(folder: string, server: string, port: number): string {
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `
    daemon off;
    pid ${folder}/pid;
    ${process.getuid?.() === 0 ? "user root;" : ""}
    events { worker_connections 200; }
    http {
      access_log off;
      gzip on; gzip_proxied any; gzip_min_length 1; gzip_types text/plain text/css text/javascript application/json;
      ${temps.join("\n")}
      server { listen 127.0.0.1:${port}; ${server} }
    }`;
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const ended = once(child, "exit");
  if (child.exitCode === null && child.kill("SIGTERM")) await ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
