import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pipeline } from "../definition.ts";
import { definitionDigest } from "../digest.ts";
import type { PipelineError } from "../errors.ts";
import type { PipelineRegistry } from "../registry.ts";
import { type Describe, isYaml, type LoadOptions, loadPipelines } from "./load.ts";
import { describeModules, type Loaded } from "./module-process.ts";

/** How often the folder is looked at, in milliseconds. */
const POLL_MS = 400;
/** How long a change waits for modules that are still loading, in milliseconds: what else has changed is shown then. */
const MODULES_MS = 500;
/** Earlier definitions that are remembered. */
const MAX_PAST = 200;

export interface WatchOptions extends LoadOptions {
  /** Called after the files were read again. */
  readonly onChange?: ((problems: readonly PipelineError[]) => void) | undefined;
  /** Called with what keeps the folder from being read; the pipelines stay as they were. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Pipelines of a folder as they are now. */
export interface WatchedPipelines extends PipelineRegistry, AsyncDisposable {
  /** When they last changed, in epoch milliseconds. */
  readonly changedAt: number;
  /** An earlier definition of this process, by its digest. */
  past(name: string, digest: string): Pipeline | undefined;
}

/** Pipelines that never change, as of a process without a folder. */
export function fixedPipelines(registry: PipelineRegistry, changedAt: number): WatchedPipelines {
  return { ...registry, changedAt, past: () => undefined, [Symbol.asyncDispose]: async () => undefined };
}

/**
 * The pipelines of a folder, read again within a second of a change. Errors: PipelineError when it cannot be read at
 * first.
 */
export async function watchPipelines(folder: string, options: WatchOptions = {}): Promise<WatchedPipelines> {
  const past = new Map<string, Pipeline>();
  // Before the files are read, so that a change meanwhile is seen. Why a folder cannot be read, the loader says.
  const before = await stateOf(folder).catch(() => undefined);
  const modules = new ModuleMemory(before?.code);
  let registry = await loadPipelines(folder, options, modules.describe);
  let state = before ?? (await stateOf(folder));
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const remember = () => {
    for (const pipeline of registry.list())
      past.set(`${pipeline.name} ${definitionDigest(pipeline)}`, pipeline);
    while (past.size > MAX_PAST) past.delete(past.keys().next().value ?? "");
  };
  remember();
  const poll = async () => {
    try {
      const next = await stateOf(folder);
      if (next.text !== state.text || modules.hasNews) {
        modules.code = next.code;
        const loaded = await loadPipelines(folder, options, modules.describe);
        if (closed) return;
        // A file that is being written is read once more when it has changed again. What could not be read is looked at
        // again.
        state = next;
        registry = loaded;
        remember();
        options.onChange?.(registry.problems());
      }
    } catch (error) {
      options.onError?.(error);
    }
    if (!closed) timer = setTimeout(() => void poll(), POLL_MS).unref();
  };
  timer = setTimeout(() => void poll(), POLL_MS).unref();
  return {
    get: (name) => registry.get(name),
    list: () => registry.list(),
    problems: () => registry.problems(),
    get changedAt() {
      return state.changedAt;
    },
    past: (name, digest) => past.get(`${name} ${digest}`),
    [Symbol.asyncDispose]: async () => {
      closed = true;
      clearTimeout(timer);
      modules.end();
    },
  };
}

/** Of a module that has not loaded yet. */
const NOT_READ: Loaded = { pipelines: [] };

/**
 * What modules define, read once for as long as no code has changed: a process for each change of a YAML file takes long.
 * One that takes long to load, or never does, keeps no other file from being read again: it is what it was until then.
 */
class ModuleMemory {
  /** Differs when any code does. */
  code: string | undefined;
  #reading:
    | { readonly key: string; readonly found: Map<string, Loaded>; readonly all: Promise<unknown> }
    | undefined;
  /** What each file was when it was read last. */
  #last: ReadonlyMap<string, Loaded> = new Map();
  #isFirst = true;
  #ending = new AbortController();
  /** Of the files that are being read, how many the last answer had. */
  #told = 0;
  /** No process could be started for them. */
  #isUnread = false;

  constructor(code: string | undefined) {
    this.code = code;
  }

  /** Whether more is known than the last answer had, or is to be read once more. */
  get hasNews(): boolean {
    return this.#isUnread || (this.#reading !== undefined && this.#reading.found.size > this.#told);
  }

  readonly describe: Describe = async (files, options) => {
    const key = [this.code, ...files].join("\n");
    const reading = this.#reading?.key === key ? this.#reading : this.#read(key, files, options);
    await (this.#isFirst
      ? reading.all
      : Promise.race([reading.all, sleep(MODULES_MS, undefined, { ref: false })]));
    this.#isFirst = false;
    const { found } = reading;
    this.#told = found.size;
    const known = files.map((file) => [file, found.get(file) ?? this.#last.get(file) ?? NOT_READ] as const);
    this.#last = new Map(known);
    return this.#last;
  };

  #read(key: string, files: readonly string[], options: LoadOptions | undefined) {
    this.end();
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    // What has not been loaded before comes last: it may take its whole time.
    const isGood = (file: string) => {
      const last = this.#last.get(file) ?? NOT_READ;
      return "pipelines" in last && last.pipelines.length > 0;
    };
    const order = [...files.filter(isGood), ...files.filter((file) => !isGood(file))];
    const found = new Map<string, Loaded>();
    const reading = { key, found, all: describeModules(order, options, { found, signal }) };
    this.#reading = reading;
    this.#isUnread = false;
    // That no process could be started is no matter of the files: the next look tries again.
    reading.all.catch(() => {
      if (this.#reading !== reading) return;
      this.#reading = undefined;
      this.#isUnread = true;
    });
    return reading;
  }

  end(): void {
    this.#ending.abort();
  }
}

function isUnreadable(error: unknown): error is NodeJS.ErrnoException {
  const isFault = error instanceof Error && "code" in error;
  return isFault && ["EACCES", "EPERM", "ENOENT"].includes(String(error.code));
}

interface FolderState {
  /** Differs when a file does. */
  readonly text: string;
  /** The same of all files but pipelines in YAML. */
  readonly code: string;
  readonly changedAt: number;
}

/** Of all files below, but for installed packages and what is hidden: modules import some of them. */
async function stateOf(folder: string): Promise<FolderState> {
  const files: string[] = [];
  const code: string[] = [];
  const root = resolve(folder);
  let changedAt = 0;
  const look = async (path: string) => {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const inner = join(path, entry.name);
      if (entry.isDirectory()) {
        await look(inner).catch((error: unknown) => {
          // Such as a `lost+found`, or a folder that was just removed: a module that needs it is named by itself.
          if (!isUnreadable(error)) throw error;
          files.push(`${inner} ${error.code}`);
          code.push(`${inner} ${error.code}`);
        });
        continue;
      }
      // A file that an editor replaces just now is left out.
      const about = await stat(inner).catch(() => undefined);
      if (about === undefined) continue;
      const state = `${inner} ${about.mtimeMs} ${about.size} ${about.ino}`;
      files.push(state);
      if (path !== root || !isYaml(inner)) code.push(state);
      changedAt = Math.max(changedAt, about.mtimeMs);
    }
  };
  await look(root);
  return { text: files.sort().join("\n"), code: code.sort().join("\n"), changedAt };
}
