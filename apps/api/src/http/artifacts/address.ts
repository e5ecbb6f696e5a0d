import { artifactPathSchema, projectIdSchema, stageKeySchema } from "@stagefold/core";
import { z } from "zod";

const attemptSchema = z.coerce.number<string>().int().min(0).max(1_000_000);
const attemptText = z
  .string()
  .regex(/^\d{1,7}$/, "expected a whole number")
  .pipe(attemptSchema);

/** Which bytes are meant. An attempt is one of a stage. */
export const getAddressSchema = z
  .object({
    project_id: projectIdSchema,
    path: artifactPathSchema,
    stage: stageKeySchema.optional(),
    attempt: attemptText.optional(),
  })
  .refine(({ stage, attempt }) => attempt === undefined || stage !== undefined, {
    path: ["stage"],
    message: "expected beside attempt",
  });

export const putAddressSchema = z.object({
  project_id: projectIdSchema,
  path: artifactPathSchema,
  stage: stageKeySchema,
  attempt: attemptText,
});

export type GetAddress = z.output<typeof getAddressSchema>;
export type PutAddress = z.output<typeof putAddressSchema>;
