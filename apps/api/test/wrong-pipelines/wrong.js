import { definePipeline } from "@stagefold/pipeline";

export default definePipeline({ name: "wrong", stages: [] });
