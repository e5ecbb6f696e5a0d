import { definePipeline } from "@stagefold/pipeline";
import { WAKE_PIPELINE } from "../contents.ts";

export default definePipeline({
  name: WAKE_PIPELINE,
  stages: [{ stage: "awake", run: () => ({ ran_at: Date.now() }) }],
});
