import { setTimeout as sleep } from "node:timers/promises";
import { definePipeline } from "@stagefold/pipeline";
import { PEOPLE_LINES, PEOPLE_PIPELINE } from "../contents.ts";

const ranAt = () => ({ ran_at: Date.now() });

export default definePipeline({
  name: PEOPLE_PIPELINE,
  stages: [
    { stage: "first", run: ranAt },
    { stage: "ask", gate: { question: "Go on?" } },
    { stage: "next", run: ranAt },
    {
      stage: "talk",
      run: async () => {
        for (let n = 0; n < PEOPLE_LINES; n++) {
          process.stdout.write(`${Date.now()}\n`);
          await sleep(20 + Math.random() * 80);
        }
        return {};
      },
    },
  ],
});
