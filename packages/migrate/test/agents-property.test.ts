import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  agentIdOf,
  MemoryRecordStore,
  type RecordKey,
  type RecordStore,
  readTurn,
  sessionIdOf,
} from "@stagefold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { messageDigest } from "../src/agents/turns-of-messages.ts";
import type { ImportSummary } from "../src/index.ts";
import { isOfAgents, readRow } from "../src/rows/read-row.ts";
import { sourceOf } from "./fixtures.ts";
import { aPlace } from "./place.ts";

// Few values, so that rows meet each other.
const id = (prefix: string) => fc.integer({ min: 1, max: 3 }).map((n) => `${prefix}${n}`);
const agentRef = fc.oneof(id("proj_00000000000a:bot"), id("local_folder"), id("agent_00000000000"));
const odd = fc.constantFrom<unknown>(
  null,
  7,
  "",
  "{",
  "[]",
  '{"a":1}',
  ["x"],
  { a: "1" },
  true,
  "\u0000\ud800",
);
/** Mostly right, now and then of another type. */
const mostly = <T>(right: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: odd });
const time = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom("Z", "", ".000001Z", ".5+00:00", "+00:00Z"))
  .map(([second, end]) => `2026-01-01T00:00:${String(second % 60).padStart(2, "0")}${end}`);

const agent = fc.record({
  agent_id: mostly(agentRef),
  agent_name: mostly(fc.constant("bot")),
  call_count: mostly(fc.nat(100)),
  success_rate: mostly(fc.nat(100)),
  tags: mostly(fc.constant('["a"]')),
  created_at: mostly(time),
});
const session = fc.record({
  session_id: mostly(id("s")),
  agent_id: mostly(agentRef),
  display_name: mostly(fc.string()),
  created_at: mostly(time),
});
const message = fc.record(
  {
    session_id: mostly(id("s")),
    message_id: mostly(fc.integer({ min: 0, max: 30 }).map(String)),
    agent_id: mostly(agentRef),
    role: mostly(fc.constantFrom("user", "assistant", "tool", "system")),
    content: mostly(fc.string()),
    created_at: mostly(time),
    metadata: mostly(fc.constant("{}")),
  },
  { requiredKeys: ["session_id", "message_id", "role", "content", "created_at"] },
);
const invocation = fc.record(
  {
    invocation_id: mostly(id("i")),
    agent_id: mostly(agentRef),
    session_id: mostly(id("s")),
    input_text: mostly(fc.string()),
    request_payload: mostly(fc.constant('{"input_text":"x"}')),
    status: mostly(fc.constantFrom("success", "failed", "running")),
    duration_ms: mostly(fc.nat(5000)),
    timestamp: mostly(time),
  },
  { requiredKeys: ["invocation_id", "agent_id", "timestamp"] },
);
const row = fc.oneof(
  { weight: 2, arbitrary: agent },
  { weight: 2, arbitrary: session },
  { weight: 8, arbitrary: message },
  { weight: 2, arbitrary: invocation },
);
const runs = fc.array(
  fc.record({
    rows: fc.array(row, { maxLength: 40 }),
    orphans: fc.constantFrom("wait" as const, "create" as const),
  }),
  { minLength: 1, maxLength: 3 },
);

/** An invocation that was deferred, and comes again in a session: which of the two was merged was a matter of time. */
const EXAMPLES: [{ rows: object[]; orphans: "wait" | "create" }[]][] = [
  [
    [
      {
        rows: [
          {
            session_id: "s2",
            message_id: null,
            agent_id: "agent_000000000001",
            role: "user",
            content: "",
            created_at: "2026-01-01T00:00:00Z",
          },
          { invocation_id: "i3", agent_id: "proj_00000000000a:bot1", timestamp: "2026-01-01T00:00:00Z" },
        ],
        orphans: "wait",
      },
      {
        rows: [
          {
            invocation_id: "i3",
            agent_id: "agent_000000000001",
            session_id: "s2",
            input_text: "",
            request_payload: '{"input_text":"x"}',
            timestamp: "2026-01-01T00:00:10+00:00Z",
          },
        ],
        orphans: "create",
      },
    ],
  ],
];

interface ReportLine {
  readonly line: number;
  readonly reason: string;
}

async function reportOf(summary: ImportSummary): Promise<ReportLine[]> {
  if (summary.report === null) return [];
  const text = await readFile(summary.report, "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The digests of the messages of each session, in the order of its turns. */
async function storedMessages(store: RecordStore, rows: readonly object[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const named = (field: string) =>
    new Set(rows.map((one) => Reflect.get(one, field)).filter((value) => typeof value === "string"));
  for (const older of named("session_id"))
    for (const ref of [undefined, ...named("agent_id")]) {
      const session_id = await sessionIdOf(older, ref);
      const page = await store.query({
        pk: `session#${session_id}`,
        from: "turn#",
        to: "turn#:",
        limit: 1000,
      });
      const turns = page.items.map(readTurn);
      expect(turns.map(({ turn }) => turn)).toEqual(turns.map((_, at) => at + 1));
      const lasts = turns.map(({ imported }) => imported?.last ?? "");
      expect(lasts).toEqual(lasts.toSorted());
      found.set(
        session_id,
        turns.flatMap(({ imported }) => imported?.messages ?? []),
      );
    }
  return found;
}

describe("any rows of the older tables of agents", () => {
  it("are each merged, already there or refused with a reason, once", async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (all) => {
        const store = new MemoryRecordStore();
        await using place = await aPlace(undefined, store);
        const refused = new Set<string>();
        const given = new Set<string>();
        for (const [n, { rows, orphans }] of all.entries()) {
          const lines = rows.map((one) => JSON.stringify(one));
          const options = {
            sources: [sourceOf(`run ${n}`, lines)],
            rules: { orphans },
            report: `${place.report}-${n}`,
          };
          const dry = await place.run({ ...options, dryRun: true });
          const summary = await place.run(options);
          expect({ ...dry, dry_run: false }).toEqual(summary);
          const report = await reportOf(summary);
          // Every row has one fate: it is merged, or named once.
          expect(summary.rows).toBe(lines.length);
          expect(new Set(report.map(({ line }) => line)).size).toBe(report.length);
          expect(summary.merged + report.length).toBe(lines.length);
          for (const { line, reason } of report) {
            if (reason === "unreadable") continue;
            const digest = digestOfLine(lines[line - 1] ?? "");
            if (digest !== undefined && reason !== "already there") refused.add(digest);
          }
          for (const line of lines) {
            const digest = digestOfLine(line);
            if (digest !== undefined) given.add(digest);
          }
          const again = await place.run({ ...options, rules: { orphans: "wait" } });
          expect(again).toMatchObject({ merged: 0, turns: 0, invocations: 0, deferred: { merged: 0 } });
        }
        const stored = [
          ...(
            await storedMessages(
              store,
              all.flatMap(({ rows }) => rows),
            )
          ).entries(),
        ].flatMap(([session, digests]) => digests.map((digest) => `${session} ${digest}`));
        // Each message is there once in its session, unless it was refused; and none that was not given.
        expect(new Set(stored).size).toBe(stored.length);
        const there = new Set(stored.map((one) => one.split(" ")[1] ?? ""));
        for (const digest of given) expect(there.has(digest) || refused.has(digest)).toBe(true);
        for (const digest of there) expect(given.has(digest)).toBe(true);
      }),
      { numRuns: SOAK ? 300 : 6, examples: EXAMPLES },
    );
  });

  it("of one invocation in two groups, the same one is merged whichever is read faster, in a dry run too", async () => {
    const [bot, other] = ["proj_00000000000a:bot1", "agent_000000000001"];
    const common = { invocation_id: "i1", timestamp: "2026-01-01T00:00:00Z" };
    const rows = [
      { ...common, agent_id: bot },
      { ...common, agent_id: other, session_id: "s1" },
    ];
    const found: unknown[] = [];
    for (const slow of [bot, other])
      for (const dryRun of [true, false]) {
        const store = new UnevenRecordStore(await agentIdOf(slow));
        await using place = await aPlace(undefined, store);
        const sources = [
          sourceOf(
            "rows",
            rows.map((one) => JSON.stringify(one)),
          ),
        ];
        const summary = await place.run({
          sources,
          rules: { orphans: "create" },
          report: place.report,
          dryRun,
        });
        expect(summary).toMatchObject({ merged: 1, invocations: 1, not_merged: { "already there": 1 } });
        found.push((await reportOf(summary)).map(({ line }) => line));
      }
    expect(found).toEqual(Array.from({ length: 4 }, () => found[0]));
  });
});

/** Answers reads about one id later than all others. */
class UnevenRecordStore extends MemoryRecordStore {
  readonly #slow: string;

  constructor(slow: string) {
    super();
    this.#slow = slow;
  }

  override async get(key: RecordKey) {
    if (key.pk.includes(this.#slow)) await sleep(30);
    return await super.get(key);
  }
}

function digestOfLine(line: string): string | undefined {
  try {
    const read = readRow(line, { source: "", line: 1 });
    return isOfAgents(read) && read.kind === "message" ? messageDigest(read) : undefined;
  } catch {
    return undefined;
  }
}
