import type { TurnTrace } from "@stagefold/agent-runner";
import type { Agent, AgentVersion, Turn, TurnTarget } from "@stagefold/core";
import { type Telemetry, tracedModelCall } from "@stagefold/runtime/telemetry";

interface TracedTurn {
  readonly target: TurnTarget;
  readonly agent: Agent;
  readonly version: AgentVersion;
  /** The trace context of the call that asked. */
  readonly parent: string | undefined;
}

/** Runs a turn as a span, under OpenTelemetry's names for agents. `run` is given the span's trace context. */
export async function tracedTurn(
  telemetry: Telemetry,
  { target, agent, version, parent }: TracedTurn,
  run: (traceparent: string | undefined) => Promise<Turn>,
): Promise<void> {
  const attributes = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.id": agent.agent_id,
    "gen_ai.agent.name": agent.agent_name,
    "gen_ai.agent.version": String(version.version),
    ...("invocation_id" in target
      ? { "stagefold.invocation_id": target.invocation_id }
      : { "gen_ai.conversation.id": target.session_id, "stagefold.turn": target.turn }),
  };
  await telemetry.span(`invoke_agent ${agent.agent_name}`, { attributes, parent }, async (span) => {
    const { status, error, input_tokens, output_tokens, finish_reason } = await run(span.traceparent);
    span.set({
      "stagefold.status": status,
      "gen_ai.usage.input_tokens": input_tokens,
      "gen_ai.usage.output_tokens": output_tokens,
      "stagefold.finish_reason": finish_reason ?? undefined,
    });
    if (error) span.fail(error.code);
  });
}

/** Calls of models and tools as spans of their turn, under OpenTelemetry's names. */
export function traceOf(telemetry: Telemetry): TurnTrace {
  return {
    modelCall: (model, call) => tracedModelCall(telemetry, model, call),
    toolCall: ({ name, id }, call) => {
      const attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": id,
      };
      return telemetry.span(`execute_tool ${name}`, { attributes }, async (span) => {
        const outcome = await call();
        if (outcome.failed) span.fail("TOOL_FAILED");
        return outcome;
      });
    },
  };
}
