import { AgentProcess, type AgentProcessOptions } from "./agent-process.ts";
import type { ChildMessage } from "./protocol.ts";
import { type Settled, settled } from "./settled.ts";

export interface ToolOutcome {
  readonly output: string;
  readonly failed: boolean;
}

/** The tools of one turn, in a process that is started with the first call and anew after one that had to be ended. */
export class ToolProcess implements AsyncDisposable {
  readonly #options: AgentProcessOptions;
  readonly #onErrorText: (text: string) => void;
  #process: AgentProcess | undefined;
  #waiting: { readonly id: string; readonly result: Settled<ToolOutcome> } | undefined;

  constructor(options: AgentProcessOptions, onErrorText: (text: string) => void) {
    this.#options = options;
    this.#onErrorText = onErrorText;
  }

  /**
   * Runs one call. A tool that hangs is ended alone, with its process, and that is its result; so is what it throws, and
   * the end of its process. Errors: the signal's reason once it is aborted.
   */
  async call(
    id: string,
    tool: string,
    input: unknown,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ToolOutcome> {
    signal.throwIfAborted();
    const result = settled<ToolOutcome>();
    this.#waiting = { id, result };
    const stop = () => result.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const timer = setTimeout(() => {
      const output = `The tool did not end within ${Math.round(timeoutMs / 1000)} seconds and was stopped.`;
      void this.#endProcess().then(() => result.resolve({ output, failed: true }));
    }, timeoutMs);
    try {
      this.#process ??= await AgentProcess.start(this.#options, {
        message: (message) => this.#receive(message),
        ended: (how) => this.#ended(how),
      });
      this.#process.send({ type: "call", id, tool, input });
      return await result.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      this.#waiting = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endProcess();
  }

  async #endProcess(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.kill();
    if (process !== undefined && process.errorText !== "") this.#onErrorText(process.errorText);
  }

  #receive(message: ChildMessage): void {
    // Only the call that waits has a result: a process that says more than it is asked is not heard.
    if (message.type === "result" && message.id === this.#waiting?.id)
      this.#waiting.result.resolve({ output: message.output, failed: message.failed });
  }

  #ended(how: string): void {
    const output = `The tool's process ${how}.`;
    void this.#endProcess().then(() => this.#waiting?.result.resolve({ output, failed: true }));
  }
}
