import { MessageSquare } from "lucide-react";
import { Button } from "../../components/ui/button.tsx";
import { useMessages } from "../../i18n/lang.ts";
import type { Agent } from "../../lib/api.ts";
import { messages } from "./messages.ts";
import { useStartTalk } from "./use-start-talk.ts";

/** Begins a conversation with an agent; pale while it is disabled or has no version that could answer. */
export function TalkButton({ agent, className }: { agent: Agent; className?: string }) {
  const t = useMessages(messages);
  const start = useStartTalk();
  return (
    <Button
      className={className}
      disabled={start.isPending || agent.status === "disabled" || agent.versions.length === 0}
      focusableWhenDisabled
      look="primary"
      onClick={() => start.mutate(agent.agent_id)}
    >
      <MessageSquare aria-hidden className="size-4" />
      {t.talk}
    </Button>
  );
}
