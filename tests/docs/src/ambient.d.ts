// What samples use that the text around them has introduced.
import type { agentBuild } from "@stagefold/agent-build";
import type { StagefoldClient } from "@stagefold/client";
import type { StageContext } from "@stagefold/pipeline";

declare global {
  const client: StagefoldClient<typeof agentBuild>;
  const project_id: string;
  const session_id: string;
  const turn: number;
  const agent_id: string;
  const user_id: string;
  const folder: string;
  const text: string;
  const schema: Readonly<Record<string, unknown>>;
  const ctx: StageContext & { model: NonNullable<StageContext["model"]> };
  const run: (ctx: StageContext) => Promise<void>;
  function session(): Promise<{ token: string }>;
}
