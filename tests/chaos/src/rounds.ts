import { join } from "node:path";
import { createFileStores } from "@stagefold/core/files";
import type { EngineName } from "@stagefold/store-testing/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { collect, compare } from "./audit/audit.ts";
import { report } from "./audit/finding.ts";
import { timelines } from "./audit/timeline.ts";
import { FAULT_KINDS, RandomFaults } from "./net/faults.ts";
import { Random } from "./random.ts";
import { Round } from "./round/round.ts";
import { EVENTS, Tally } from "./round/tally.ts";
import { ENGINES, openWorld, type World } from "./world/world.ts";

const WANTED = SOAK ? 10 : 3;
/** `CHAOS_ROUNDS` for a shorter or longer run, such as up to the round that an earlier run failed in. */
const ROUNDS = Number(process.env.CHAOS_ROUNDS ?? WANTED);

const say = (line: string) => process.stdout.write(`${line}\n`);

/** All rounds on one engine. `CHAOS_SEED` replays the schedule of an earlier run. */
export function testRounds(engine: EngineName): void {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));

  // Skipped where the engine has no program for this machine, and where the short form leaves it out.
  describe.skipIf(!ENGINES.includes(engine))(`real processes on ${engine}, CHAOS_SEED=${seed}`, () => {
    const random = new Random(seed);
    const faults = new RandomFaults(new Random(seed + 1));
    const tally = new Tally();
    let opened: World | undefined;
    let broken: string | undefined;

    beforeAll(async () => {
      opened = await openWorld({ engine, workers: 3, faults });
    });
    afterAll(async () => {
      for (const line of tally.summary(faults.counts)) say(`${engine}: ${line}`);
      await opened?.[Symbol.asyncDispose]();
    });

    test.each(Array.from({ length: ROUNDS }, (_, n) => n + 1))(
      "round %i: what was acknowledged is there, once",
      async (n) => {
        expect(broken, "an earlier round failed").toBeUndefined();
        broken = `round ${n}`;
        const world = opened ?? expect.fail("no world");
        const started = performance.now();
        const round = new Round(world, n);
        await round.run(random, faults);
        const evidence = await collect(world, createFileStores(join(world.root, "files")));
        const findings = compare(evidence);
        if (findings.length > 0) say(timelines(findings, evidence.histories));
        expect(report(findings), `CHAOS_SEED=${seed}, round ${n}, ${engine}`).toEqual([]);
        const what = tally.add(round.record, world.journal);
        for (const { project_id, stored } of evidence.histories) world.journal.settle(project_id, stored);
        say(`${engine} round ${n}: ${Math.round(performance.now() - started)} ms; ${what}`);
        broken = undefined;
      },
    );

    // Skipped when a person asked for a few rounds: those need not have every kind.
    test.skipIf(ROUNDS < WANTED)("every kind of fault happened", () => {
      expect(EVENTS.filter((kind) => !tally.counts.has(kind))).toEqual([]);
      expect(FAULT_KINDS.filter((kind) => !faults.counts.has(kind))).toEqual([]);
      expect(tally.times.kill.length + tally.times.freeze.length).toBeGreaterThan(0);
    });
  });
}
