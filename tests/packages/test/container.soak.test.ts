import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chown, copyFile, cp, mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { tempFolder } from "./harness.ts";

const root = resolve(import.meta.dirname, "../../..");
const exec = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

const BASE = "localhost/node-on-debian";
const IMAGE = "localhost/stagefold";

/** What builds and runs the image: no service of Docker is needed for it, but root is. */
const TOOLS = ["buildah", "debootstrap", "runc"];
const missing = TOOLS.filter((tool) => spawnSync("which", [tool]).status !== 0);
const canBuild = process.platform === "linux" && process.getuid?.() === 0 && missing.length === 0;

interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/** buildah with its images in a folder of the test's own. */
function buildahIn(folder: string) {
  const place = ["--root", join(folder, "images"), "--runroot", join(folder, "run")];
  return async (...args: string[]): Promise<string> => {
    const given = ["--storage-driver", "vfs", ...place, ...args];
    const env = { ...process.env, TMPDIR: folder };
    return (await exec("buildah", given, { cwd: root, env, maxBuffer: MAX_OUTPUT_BYTES })).stdout.trim();
  };
}
type Buildah = ReturnType<typeof buildahIn>;

/** In the place of the image that the Dockerfile names, where no registry may be reached: Debian, with this Node and npm. */
async function makeBase(buildah: Buildah, folder: string, policy: string): Promise<void> {
  const debian = join(folder, "debian");
  await exec("debootstrap", ["--variant=minbase", "bookworm", debian], { maxBuffer: MAX_OUTPUT_BYTES });
  const npm = dirname(dirname(await realpath((await exec("which", ["npm"])).stdout.trim())));
  const modules = join(debian, "usr/local/lib/node_modules");
  await mkdir(modules, { recursive: true });
  await copyFile(process.execPath, join(debian, "usr/local/bin/node"));
  await cp(npm, join(modules, "npm"), { recursive: true });
  for (const name of ["npm", "npx"])
    await exec("ln", [
      "-s",
      `../lib/node_modules/npm/bin/${name}-cli.js`,
      join(debian, "usr/local/bin", name),
    ]);
  // Certificates that this machine trusts besides, as that of a proxy.
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
  const env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  if (certificates !== undefined) {
    await copyFile(certificates, join(debian, "usr/local/lib/extra.crt"));
    env.push("NODE_EXTRA_CA_CERTS=/usr/local/lib/extra.crt");
  }
  const container = await buildah("from", "scratch");
  await buildah("copy", "--quiet", container, debian, "/");
  await buildah("config", ...env.flatMap((one) => ["--env", one]), container);
  await buildah("commit", "--signature-policy", policy, "--quiet", "--rm", container, BASE);
}

/** Builds the image by the steps of the Dockerfile. Gives its configuration and a folder with its root. */
async function build(folder: string): Promise<{ config: ImageConfig; files: string }> {
  const buildah = buildahIn(folder);
  const policy = join(folder, "policy.json");
  await writeFile(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  await makeBase(buildah, folder, policy);
  await buildah(
    ...["build", "--signature-policy", policy, "--isolation", "chroot", "--format", "docker"],
    ...["--pull-never", "--build-arg", `NODE=${BASE}`, "--file", "deploy/container/Dockerfile"],
    ...["--tag", IMAGE, "."],
  );
  const config = JSON.parse(await buildah("inspect", "--type", "image", IMAGE)).Docker.config;
  const container = await buildah("from", "--pull-never", "--signature-policy", policy, IMAGE);
  return { config, files: await buildah("mount", container) };
}

interface Part {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly data: string;
}

/**
 * Runs the image as Docker does with `--read-only --cap-drop ALL --security-opt no-new-privileges`, with /tmp in memory, in the
 * network of this machine.
 */
async function start(folder: string, { config, files }: Awaited<ReturnType<typeof build>>, part: Part) {
  const bundle = join(folder, part.name);
  await mkdir(bundle);
  await exec("runc", ["spec"], { cwd: bundle });
  const file = join(bundle, "config.json");
  const spec = JSON.parse(await readFile(file, "utf8"));
  const [uid, gid] = config.User.split(":").map(Number);
  Object.assign(spec.process, {
    terminal: false,
    user: { uid, gid },
    args: [...config.Entrypoint, ...part.args],
    env: [...config.Env, ...part.env],
    cwd: config.WorkingDir,
    capabilities: {},
    noNewPrivileges: true,
  });
  spec.root = { path: files, readonly: true };
  const inMemory = ["nosuid", "nodev", "mode=1777"];
  spec.mounts.push(
    { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: inMemory },
    { destination: "/data", type: "bind", source: part.data, options: ["rbind", "rw"] },
  );
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }: { type: string }) => type !== "network");
  await writeFile(file, JSON.stringify(spec));
  const state = ["--root", join(folder, "state")];
  const child = spawn("runc", [...state, "run", "--bundle", bundle, part.name], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const out of [child.stdout, child.stderr])
    out.on("data", (chunk) => {
      printed += String(chunk);
    });
  const ended = once(child, "close");
  return {
    printed: () => printed,
    /** Runs a command in it, as the container's user. */
    run: async (...command: string[]) =>
      await exec("runc", [...state, "exec", part.name, ...command]).then(
        ({ stdout }) => ({ code: 0, said: stdout }),
        (error: { code: number; stdout: string; stderr: string }) => ({
          code: error.code,
          said: error.stdout + error.stderr,
        }),
      ),
    stop: async () => {
      await exec("runc", [...state, "kill", part.name, "TERM"]);
      const [code] = await ended;
      return code;
    },
    async [Symbol.asyncDispose]() {
      await exec("runc", [...state, "delete", "--force", part.name]).catch(() => undefined);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}

// Skipped without root, buildah, debootstrap and runc: it installs a Debian, and this repository in it: half an hour on a busy machine.
it.skipIf(!canBuild)(
  "the image builds; its API and its worker run as a plain user on a read-only root, answer their health check, and build",
  async () => {
    await using folder = await tempFolder();
    const image = await build(folder.path);
    const { config } = image;
    expect(config).toMatchObject({ User: "1000:1000", Entrypoint: ["stagefold"], Cmd: ["up"] });
    expect(Object.keys(config.Volumes).sort()).toEqual(["/data", "/tmp"]);
    const [kind, ...check] = config.Healthcheck.Test;
    expect(kind).toBe("CMD");

    const data = join(folder.path, "data");
    await mkdir(data, { mode: 0o700 });
    await chown(data, 1000, 1000);
    const [port, workerPort] = [await freePort(), await freePort()];
    const env = ["STAGEFOLD_AUTH=keys", `STAGEFOLD_PORT=${port}`, `STAGEFOLD_WORKER_PORT=${workerPort}`];
    const healthy = async (part: Awaited<ReturnType<typeof start>>) => {
      for (const end = Date.now() + 60_000; ; ) {
        const { code, said } = await part.run(...check);
        if (code === 0) return;
        if (Date.now() > end) expect.fail(`${said}\n${part.printed()}`);
        await new Promise((next) => setTimeout(next, 500));
      }
    };
    await using api = await start(folder.path, image, { name: "sf-test-api", args: ["api"], env, data });
    await healthy(api);
    // The API's own port is not there for the worker's container: its check is that of the worker alone.
    const own = [...env, `STAGEFOLD_PORT=${await freePort()}`];
    await using worker = await start(folder.path, image, {
      ...{ name: "sf-test-worker", args: ["worker"], data },
      env: own,
    });
    await healthy(worker);

    for (const part of [api, worker]) {
      expect((await part.run("id", "-u")).said).toBe("1000\n");
      expect((await part.run("touch", "/usr/local/lib/x")).said).toContain("Read-only file system");
      expect((await part.run("grep", "^CapEff", "/proc/self/status")).said).toMatch(/\t0+\n$/);
    }
    const key = (await readFile(join(data, "admin-key"), "utf8")).trim();
    const client = ["env", `STAGEFOLD_KEY=${key}`, `STAGEFOLD_URL=http://127.0.0.1:${port}`];
    const built = await api.run(...client, "stagefold", "create", "Count the words of a text", "--wait");
    expect(built.said).toMatch(/proj_[0-9a-f]{12} completed/);
    expect(built.code).toBe(0);
    expect([await worker.stop(), await api.stop()]).toEqual([0, 0]);
  },
);
