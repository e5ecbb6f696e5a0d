import type { StageOutputs } from "@stagefold/pipeline";
import { expectTypeOf } from "vitest";
import type { agentBuild } from "./index.ts";

// The built-in pipeline says what each stage leaves.
type Outputs = StageOutputs<typeof agentBuild>;
expectTypeOf<keyof Outputs>().toEqualTypeOf<
  | "requirements_analysis"
  | "system_architecture"
  | "agent_design"
  | "design_review"
  | "design_revision"
  | "prompt_engineer"
  | "tools_developer"
  | "agent_code_developer"
>();
expectTypeOf<Outputs["requirements_analysis"]["tools"]>().toEqualTypeOf<string[]>();
expectTypeOf<Outputs["agent_code_developer"]["self_tests"]>().toEqualTypeOf<{
  passed: number;
  total: number;
}>();
