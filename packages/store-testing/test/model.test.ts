import fc from "fast-check";
import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { Model } from "./model.ts";
import { Player } from "./model-player.ts";
import { Real } from "./model-real.ts";
import { type Step, steps } from "./model-steps.ts";

/** One in twenty has an answer that is taken: in so many none is missing but once in six thousand times. */
const RUNS = SOAK ? 1500 : 160;

/** What the runs together must have met, or they prove less than they say. */
const TO_MEET = [
  ...[
    "create",
    "heartbeat",
    "report",
    "pause",
    "resume",
    "cancel",
    "retry",
    "answer",
    "delete",
    "record",
    "claim",
  ].map((call) => `${call} ok`),
  ...["pause", "resume", "cancel", "retry", "report"].map((call) => `${call} PROJECT_CONFLICT`),
  ...["heartbeat", "report"].map((call) => `${call} LEASE_LOST`),
  ...["retry", "report", "answer"].map((call) => `${call} STAGE_CONFLICT`),
  ...["pause", "resume", "delete", "report"].map((call) => `${call} PROJECT_NOT_FOUND`),
  "claim none",
];

/** One step as a command of fast-check, which shrinks the list of them and prints the seed. */
class PlayStep implements fc.AsyncCommand<Player, null> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  check(): boolean {
    return true;
  }

  async run(player: Player): Promise<void> {
    await player.play(this.#step);
  }

  toString(): string {
    return JSON.stringify(this.#step);
  }
}

it("whatever workers and users do, one after another, is what the model says", async () => {
  const commands = fc.commands([steps.map((step) => new PlayStep(step))], { maxCommands: 150, size: "max" });
  const met = new Set<string>();
  await fc.assert(
    fc.asyncProperty(commands, async (all) => {
      const model = new Model();
      const player = new Player(model, await Real.open(model), met);
      await fc.asyncModelRun(() => ({ model: player, real: null }), all);
      await player.finish();
    }),
    { numRuns: RUNS },
  );
  expect(TO_MEET.filter((one) => !met.has(one))).toEqual([]);
});
