import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { CHANNEL_ENV, openChannel } from "../child-channel.ts";
import type { Pipeline } from "../definition.ts";
import { PipelineError, type PipelineMistake } from "../errors.ts";
import { describedPipeline } from "../schema.ts";

/** How long a module may take to load, in milliseconds: much longer than one needs on a machine that is busy. */
const LOAD_MS = 30_000;
/** Processor time after which the system ends the process, in seconds: of one that loops, also when its starter is gone. */
const CPU_SECONDS = 8;
/** Characters of what a process that ended said last. */
const MAX_SAID = 2000;
/** Beside `src` and `dist` alike: a process runs what was built. */
const SCRIPT = fileURLToPath(new URL("../../dist/load/describe-modules.js", import.meta.url));

const isDescribed = (value: unknown) => describedPipeline.safeParse(value).success;
const messageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("loading"), file: z.string() }),
  z.object({
    kind: z.literal("loaded"),
    file: z.string(),
    pipelines: z.array(z.custom<Pipeline>(isDescribed)),
  }),
  z.object({
    kind: z.literal("refused"),
    file: z.string(),
    message: z.string(),
    mistake: z.custom<PipelineMistake>((value) => typeof value === "object" && value !== null),
  }),
]);
export type ModuleMessage = z.output<typeof messageSchema>;

/** What a file defines, or why it cannot be used. */
export type Loaded = { readonly pipelines: readonly Pipeline[] } | { readonly problem: PipelineError };

export interface ModuleOptions {
  /** What modules may import by name besides `@stagefold/pipeline` and `zod`: name to URL. */
  readonly modules?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Loads modules in processes of their own: one that hangs or ends its process is named, and the others are read. */
export async function describeModules(
  files: readonly string[],
  options: ModuleOptions = {},
  { found = new Map<string, Loaded>(), signal }: Describing = {},
): Promise<ReadonlyMap<string, Loaded>> {
  for (let left = files; left.length > 0 && !signal?.aborted; left = files.filter((file) => !found.has(file)))
    await describeSome(left, options, { found, signal });
  return found;
}

/** For one who does not wait for all. */
export interface Describing {
  /** What each file defines, as soon as it is known. */
  readonly found?: Map<string, Loaded>;
  /** Ends it when its answer is no longer needed. */
  readonly signal?: AbortSignal | undefined;
}

/** Adds what one process finds; at least the first file gets its answer. */
async function describeSome(
  files: readonly string[],
  options: ModuleOptions,
  describing: Required<Describing>,
): Promise<void> {
  const { found, signal } = describing;
  const { modules = {}, timeoutMs = LOAD_MS } = options;
  const child = start([JSON.stringify(modules), ...files]);
  let said = "";
  let file = files[0] ?? "";
  let isLate = false;
  let blame: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const end = (reason: string) => {
    blame ??= reason;
    child.kill("SIGKILL");
  };
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isLate = true;
      end(`expected a module that is loaded within ${timeoutMs / 1000} s; it was still loading`);
    }, timeoutMs);
  };
  const onAbort = () => end("its answer is no longer needed");
  signal?.addEventListener("abort", onAbort);
  watch();
  child.stderr?.on("data", (bytes) => {
    said = (said + String(bytes)).slice(-MAX_SAID);
  });
  const garbled = () => end("expected a module that defines pipelines; it sent a message of its own");
  const receive = (raw: unknown) => {
    if (blame !== undefined) return;
    const parsed = messageSchema.safeParse(raw);
    if (!parsed.success || !files.includes(parsed.data.file)) {
      garbled();
      return;
    }
    const message = parsed.data;
    file = message.file;
    watch();
    if (message.kind === "loaded") found.set(file, { pipelines: message.pipelines });
    else if (message.kind === "refused")
      found.set(file, { problem: new PipelineError(message.message, message.mistake) });
  };
  try {
    // Rejects where no process can be started, which has no channel either then.
    await once(child, "spawn");
    openChannel(child, { message: receive, garbled });
    const ended: unknown[] = await once(child, "close");
    if (signal?.aborted) return;
    const [code, killedBy] = ended;
    const missing = found.has(file) ? files.find((one) => !found.has(one)) : file;
    if (missing === undefined) return;
    // It may pay for what a module before it left behind: alone, it is its own doing.
    if (files.length > 1 && !isLate) {
      await describeSome([missing], options, describing);
      return;
    }
    const how =
      killedBy === null
        ? `exit code ${String(code)}`
        : `${String(killedBy)}; it gets ${CPU_SECONDS} s of processor time`;
    blame ??= `expected a module that can be loaded; it ended the process (${how})${said === "" ? "" : `: ${said.trim()}`}`;
    found.set(missing, { problem: new PipelineError(`${missing}: ${blame}`, { file: missing }) });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** With nothing of this process's environment but what programs need, and a limit that outlasts this process. */
function start(given: readonly string[]): ChildProcess {
  const script = `ulimit -t ${CPU_SECONDS} 2>/dev/null; exec "$0" "$@"`;
  return spawn("/bin/sh", ["-c", script, process.execPath, SCRIPT, ...given], {
    env: CHANNEL_ENV,
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
}
