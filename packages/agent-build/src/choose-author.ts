import { type StageContext, StageError, type StageModel } from "@stagefold/pipeline";
import type { AgentAuthor } from "./author.ts";
import type { RequirementsDocument } from "./documents.ts";
import { offlineAuthor } from "./offline/author.ts";

/** An author, or which one it is with the worker's language model or without one. */
export type AuthorChoice = AgentAuthor | ((model: StageModel | undefined) => AgentAuthor);

export function chooseAuthor(choice: AuthorChoice, ctx: Pick<StageContext, "model">): AgentAuthor {
  return typeof choice === "function" ? choice(ctx.model) : choice;
}

/**
 * The author who began the build: a later stage may run on a worker that is set to another language model, or to none.
 * Throws a StageError where that one is not here.
 */
export function sameAuthor(
  choice: AuthorChoice,
  ctx: Pick<StageContext, "model">,
  { author: begun }: RequirementsDocument,
): AgentAuthor {
  const here = chooseAuthor(choice, ctx);
  if (here.name === begun) return here;
  if (begun === offlineAuthor.name) return offlineAuthor;
  // Another model can continue what one began; without any model no author could.
  if (here.kind === "model") return here;
  throw new StageError(
    `The agent was begun by ${begun}; this worker has ${here.name}. Set STAGEFOLD_MODEL and retry the stage.`,
    { code: "MODEL_NOT_CONFIGURED" },
  );
}
