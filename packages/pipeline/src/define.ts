import type { z } from "zod";
import { checkPipeline, sentence } from "./check.ts";
import type {
  CheckedStages,
  DefinedStages,
  InputGiven,
  InputValue,
  JsonSchema,
  Pipeline,
  PipelineInput,
  StageInput,
} from "./definition.ts";
import { PipelineError } from "./errors.ts";

/**
 * Checks a pipeline's definition and fills in its defaults. Name, stage keys and output types stay literal in the
 * result's type, so that `StageOutputs<typeof pipeline>` knows each stage's output.
 *
 * Throws a PipelineError that names the stage and the field of the first mistake.
 */
export function definePipeline<
  const Name extends string,
  const Stages extends readonly StageInput<InputValue<Input>>[],
  Input extends z.ZodType | JsonSchema = JsonSchema,
>(
  input: PipelineInput<Name, Stages, Input> & { readonly stages: CheckedStages<Stages> },
): Pipeline<Name, DefinedStages<Stages>, InputValue<Input>, InputGiven<Input>> {
  const checked = checkPipeline(input);
  if ("finding" in checked) {
    const { message, mistake } = sentence(input, checked.finding);
    throw new PipelineError(message, mistake);
  }
  if (!isDefined(checked.pipeline, input))
    throw new PipelineError("the checked pipeline lost a stage of its input");
  return checked.pipeline;
}

/** The check keeps name, keys, order and output schemas: what `input`'s type says of them holds for the result. */
function isDefined<
  const Name extends string,
  const Stages extends readonly StageInput[],
  Input extends z.ZodType | JsonSchema,
>(
  pipeline: Pipeline,
  input: PipelineInput<Name, Stages, Input>,
): pipeline is Pipeline<Name, DefinedStages<Stages>, InputValue<Input>, InputGiven<Input>> {
  return (
    pipeline.name === input.name &&
    pipeline.stages.length === input.stages.length &&
    pipeline.stages.every((stage, index) => stage.stage === input.stages[index]?.stage)
  );
}
