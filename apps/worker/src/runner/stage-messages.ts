import type { FromHost } from "./protocol.ts";
import type { StageSink } from "./stage-sink.ts";

/** What a stage says of itself while it runs, besides the files that it wants stored. */
export type StageMessage = Extract<FromHost, { kind: "progress" | "metrics" | "part" | "reference" }>;

export function passOn(message: StageMessage, sink: StageSink): void {
  switch (message.kind) {
    case "progress":
      sink.progress(message.percent, message.sub_stage);
      return;
    case "metrics":
      sink.metrics(message.values);
      return;
    case "part":
      sink.part(message.part);
      return;
    case "reference":
      sink.reference(message.artifact);
      return;
    default:
      message satisfies never;
  }
}
