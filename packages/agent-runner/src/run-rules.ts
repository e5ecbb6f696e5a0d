import { AgentProcess, type AgentProcessOptions } from "./agent-process.ts";
import type { Answer } from "./answer.ts";
import type { ChildMessage } from "./protocol.ts";
import { RunFailure } from "./run-failure.ts";
import { settled } from "./settled.ts";
import type { TurnFolder } from "./turn-folder.ts";

/**
 * An agent of kind `rules` answers by itself: one order, and what its process says becomes the answer. Errors:
 * RunFailure; the signal's reason once it is aborted. Nothing of the process is left when this settles.
 */
export async function runRules(
  options: AgentProcessOptions,
  folder: TurnFolder,
  text: string,
  answer: Answer,
  signal: AbortSignal,
  onErrorText: (text: string) => void,
): Promise<string> {
  signal.throwIfAborted();
  const done = settled<void>();
  const tooLong = () => done.reject(new RunFailure("AGENT_FAILED", "The agent's answer is too long."));
  const receive = (message: ChildMessage) => {
    switch (message.type) {
      case "ready":
      case "result":
        return;
      case "text":
        if (!answer.text(message.text)) tooLong();
        return;
      case "tool":
        if (message.status === "running") {
          if (!answer.toolStarted(message.id, message.name, message.input)) tooLong();
        } else if (!answer.toolEnded(message.id, message.status, message.output ?? "")) tooLong();
        return;
      case "end":
        done.resolve();
        return;
      default:
        message satisfies never;
    }
  };
  const ended = (how: string) => {
    done.reject(new RunFailure("AGENT_FAILED", `The agent's process ${how} before it had answered.`));
  };
  const process = await AgentProcess.start(options, { message: receive, ended });
  const stop = () => done.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    process.send({
      type: "turn",
      text,
      files: folder.files.map(({ name }) => ({ name })),
      history: folder.history.map(({ turn, files }) => ({
        text: turn.user.text,
        files: files.map(({ name }) => ({ name })),
        blocks: turn.blocks,
      })),
    });
    await done.promise;
    return "stop";
  } finally {
    signal.removeEventListener("abort", stop);
    await process.kill();
    if (process.errorText !== "") onErrorText(process.errorText);
  }
}
