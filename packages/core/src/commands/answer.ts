import type { StagefoldError } from "../errors.ts";
import type { UpdatePatch } from "../patch/index.ts";
import { refusalOf } from "../project/gate.ts";
import { stageConflict } from "../project/require.ts";
import { findStage } from "../snapshot/find-stage.ts";
import { checkedAnswer } from "../snapshot/json-schema.ts";
import type { Answer, Project, Stage } from "../snapshot/schema.ts";
import { type Control, controlPatch, inStatus, offered, remove, sameRun, set } from "./control-patch.ts";

/** What a person says at a gate. */
export interface AnswerIntent {
  readonly stage: string;
  readonly value: unknown;
  /** The question that the person read; left out, the one that is open. */
  readonly asked?: { readonly run: number; readonly since: string } | undefined;
}

/**
 * waiting → queued, with the answer. An answer counts as long as the gate is open, also after its time-out, until a
 * worker has applied that. Errors: STAGE_CONFLICT, which says who answered before; INVALID_INPUT, PAYLOAD_TOO_LARGE.
 */
export function answer(known: Project, intent: AnswerIntent, control: Control): UpdatePatch {
  const { stage } = findStage(known, intent.stage);
  if (known.status !== "waiting" || known.waiting.stage !== stage.stage) throw notAsked(known, stage);
  const { question, answer_schema, accept, since } = known.waiting;
  const { asked } = intent;
  if (asked && (asked.run !== known.run || asked.since !== since))
    throw stageConflict(stage.stage, "the question that was read", "asked anew");
  const value = checkedAnswer(intent.value, answer_schema);
  const refused = refusalOf(value, accept);
  const said: Answer = {
    stage: stage.stage,
    question,
    value,
    ...(control.by !== undefined && { by: control.by }),
    at: control.at,
    ...(refused !== undefined && { refused }),
  };
  return controlPatch(
    "answer",
    known,
    control,
    [
      inStatus(["waiting"]),
      // The question that was answered, not a later one: a retry asks again.
      { path: ["waiting", "stage"], is: "equals", value: stage.stage },
      { path: ["waiting", "since"], is: "equals", value: since },
      ...sameRun(known),
    ],
    [...offered(known, control.at), set("answer", said), remove("waiting")],
  );
}

function notAsked(known: Project, stage: Stage): StagefoldError {
  const { answer: said, by, at } = stage.output_data;
  const given =
    known.answer?.stage === stage.stage ? known.answer : said === undefined ? undefined : { by, at };
  if (given) {
    const who = typeof given.by === "string" ? ` by ${given.by}` : "";
    return stageConflict(stage.stage, "waiting for an answer", `answered${who} at ${String(given.at)}`);
  }
  // A worker has claimed it to apply the time-out.
  const actual = stage.status === "waiting" ? "past its time-out" : stage.status;
  return stageConflict(stage.stage, "waiting for an answer", actual);
}
