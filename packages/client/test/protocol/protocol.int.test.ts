import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { builtInPipelines } from "@stagefold/agent-build";
import { startApi } from "@stagefold/api";
import { createMemoryFileStores, MemoryChangeFeed, MemoryProjectStore, Repository } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { type Caller, clientCaller, curlCaller, pythonCaller } from "./callers.ts";

const stepSchema = z.union([
  z.strictObject({
    call: z.string(),
    input: z.unknown(),
    expect: z.unknown().optional(),
    refused: z.string().optional(),
    save: z.record(z.string(), z.string()).optional(),
  }),
  z.strictObject({ wait: z.number() }),
  z.strictObject({ watch: z.string() }),
  z.strictObject({ seen: z.unknown() }),
]);
type Step = z.output<typeof stepSchema>;
const cases = z
  .array(
    z.strictObject({ name: z.string(), lease_ms: z.number().default(60_000), steps: z.array(stepSchema) }),
  )
  .parse(parse(readFileSync(join(import.meta.dirname, "cases.yaml"), "utf8")));

const QUERIES = ["projects.get", "stages.get", "stages.logs"];

/** A real server, on stores of its own. */
async function serve(leaseMs: number) {
  const { artifacts, logs } = createMemoryFileStores();
  const store = new MemoryProjectStore();
  const repository = new Repository({ store, artifacts, logs, leaseMs });
  const feed = new MemoryChangeFeed(store);
  const deps = { repository, feed, artifacts, logs, pipelines: builtInPipelines() };
  return await startApi(deps, { host: "127.0.0.1", port: 0 });
}

/** With what was kept in the place of `$name` and `$name+1`. */
function filled(value: unknown, kept: ReadonlyMap<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((one) => filled(one, kept));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, kept)]));
  const [, name, more] = (typeof value === "string" && /^\$(\w+?)(?:\+(\d+))?$/.exec(value)) || [];
  if (name === undefined) return value;
  if (!kept.has(name)) throw new Error(`the case has kept no ${name}`);
  const found = kept.get(name);
  return more === undefined ? found : Number(found) + Number(more);
}

/** Objects may have more fields than expected; lists have as many, in their order. */
function part(expected: unknown): unknown {
  if (Array.isArray(expected)) return expected.map(part);
  if (typeof expected !== "object" || expected === null) return expected;
  return expect.objectContaining(
    Object.fromEntries(Object.entries(expected).map(([key, one]) => [key, part(one)])),
  );
}

async function play(caller: Caller, steps: readonly Step[], kept: Map<string, unknown>): Promise<void> {
  const states: unknown[] = [];
  const watches: (() => void)[] = [];
  try {
    for (const step of steps) {
      if ("wait" in step) await new Promise((resolve) => setTimeout(resolve, step.wait));
      else if ("watch" in step)
        watches.push(caller.watch(String(filled(step.watch, kept)), (state) => states.push(state)));
      else if ("seen" in step) await expect.poll(() => states).toContainEqual(part(filled(step.seen, kept)));
      else await playCall(caller, step, kept);
    }
  } finally {
    for (const end of watches) end();
  }
}

async function playCall(caller: Caller, step: Extract<Step, { call: string }>, kept: Map<string, unknown>) {
  const kind = QUERIES.includes(step.call) ? "query" : "mutation";
  const answer = await caller.call(step.call, kind, filled(step.input, kept));
  if (step.refused !== undefined)
    return expect([step.call, answer]).toEqual([step.call, { refused: step.refused }]);
  if (!("data" in answer)) throw new Error(`${step.call} was refused: ${answer.refused}`);
  if ("expect" in step) expect(answer.data).toEqual(part(filled(step.expect, kept)));
  for (const [name, field] of Object.entries(step.save ?? {}))
    kept.set(name, Reflect.get(Object(answer.data), field));
}

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const CALLERS = [
  ["the client", clientCaller, true],
  ["the example of Python", pythonCaller, has("python3")],
  ["curl", curlCaller, has("curl")],
] as const;

describe.each(CALLERS)("by %s", (_name, open, isHere) => {
  // Skipped when python3 or curl is not on the machine.
  it.skipIf(!isHere).each(cases.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    await using api = await serve(one.lease_ms);
    const caller = open(api.url);
    try {
      await play(caller, one.steps, new Map([["unique", name]]));
    } finally {
      caller.close();
    }
  });
});
