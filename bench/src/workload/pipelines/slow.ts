import { setTimeout as delay } from "node:timers/promises";
import { definePipeline } from "@stagefold/pipeline";
import { SLOW_PIPELINE } from "../contents.ts";

export default definePipeline({
  name: SLOW_PIPELINE,
  stages: [{ stage: "slow", run: (ctx) => delay(600_000, {}, { signal: ctx.signal }) }],
});
