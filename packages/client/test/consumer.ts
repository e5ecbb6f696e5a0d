import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
export const packageDir = join(import.meta.dirname, "..");

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** A folder of somebody who has installed what this package publishes, and nothing else. */
export class Consumer {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async create(): Promise<Consumer> {
    // Outside the workspace, whose own packages would be found otherwise.
    const consumer = new Consumer(await mkdtemp(join(await realpath(tmpdir()), "stagefold-consumer-")));
    try {
      await consumer.#install();
      return consumer;
    } catch (error) {
      await consumer.remove();
      throw error;
    }
  }

  /** The published package. */
  get installed(): string {
    return join(this.dir, "node_modules", "@stagefold", "client");
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Packs and unpacks; what it depends on comes from the workspace's own folders, so that no network is needed. */
  async #install(): Promise<void> {
    const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", this.dir];
    const { stdout } = await run("npm", pack, { cwd: packageDir });
    const [packed]: { filename: string }[] = JSON.parse(stdout);
    if (!packed) throw new Error(`expected npm pack to name a file, found ${stdout}`);
    await mkdir(this.installed, { recursive: true });
    await run("tar", ["-xzf", join(this.dir, packed.filename), "--strip-components=1", "-C", this.installed]);
    for (const name of await neededBy(this.installed)) await this.#copy(name, packageDir);
  }

  async #copy(name: string, from: string): Promise<void> {
    const source = await find(name, from);
    const target = join(this.dir, "node_modules", name);
    await cp(source, target, {
      recursive: true,
      dereference: true,
      filter: (path) => !isNested(source, path),
    });
    for (const inner of await neededBy(source)) await this.#copy(inner, source);
  }
}

/** Names of what a package needs; the compiler that some want beside them is the test's to choose. */
async function neededBy(folder: string): Promise<string[]> {
  const manifest: Manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const peers = Object.keys(manifest.peerDependencies ?? {});
  const required = peers.filter((name) => !manifest.peerDependenciesMeta?.[name]?.optional);
  return [...Object.keys(manifest.dependencies ?? {}), ...required].filter((name) => name !== "typescript");
}

/** Where a package is found from a folder, as Node looks for it. */
async function find(name: string, from: string): Promise<string> {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = await realpath(join(folder, "node_modules", name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
      throw error;
    });
    if (found !== undefined) return found;
    if (folder === dirname(folder))
      throw new Error(`expected ${name} to be installed, found none from ${from}`);
  }
}

function isNested(source: string, path: string): boolean {
  return path.slice(source.length).split("/").includes("node_modules");
}
