import { z } from "zod";
import { startEngine } from "../measure/engine.ts";
import { figureOf } from "../measure/figure.ts";
import { startProgram } from "../measure/program.ts";
import type { Measurement } from "./measurement.ts";

const ratiosSchema = z.array(z.number());

/** CPU of calls of the repository over that of the bare SDK calls that ask the same of the engine. */
export const repositoryCpu: Measurement = {
  keys: ["repository_cpu"],
  async run({ short }) {
    await using engine = await startEngine();
    await using program = await startProgram("calls", { endpoint: engine.endpoint, dataDir: engine.dataDir });
    const ratios = await program.ask({ rounds: short ? 3 : 9, calls: short ? 50 : 200 });
    return { repository_cpu: figureOf(ratiosSchema.parse(ratios)) };
  },
};
