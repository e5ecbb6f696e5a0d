import { Copy, Ellipsis, Power, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { Confirm } from "../../components/ui/dialog.tsx";
import { Menu, MenuItem, MenuSeparator } from "../../components/ui/menu.tsx";
import { toast } from "../../components/ui/toast.ts";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import type { Agent } from "../../lib/api.ts";
import { messages } from "./messages.ts";
import type { AgentControl } from "./use-agent-control.ts";

export function AgentActions({ agent, control }: { agent: Agent; control: AgentControl }) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const [asks, setAsks] = useState(false);
  const off = agent.status === "disabled";
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(agent.agent_id);
      toast.say(c.copied, agent.agent_id);
    } catch {
      // A page over plain HTTP from another machine has no clipboard.
      toast.fail(c.notCopied);
    }
  };
  return (
    <>
      <Menu
        trigger={
          <Button aria-label={t.moreActions} className="max-sm:size-11" look="ghost" size="icon">
            <Ellipsis aria-hidden className="size-4" />
          </Button>
        }
      >
        <MenuItem disabled={control.busy} onClick={() => control.enable(off)}>
          <Power aria-hidden className="size-4" />
          {off ? t.enable : t.disable}
        </MenuItem>
        <MenuItem onClick={() => void copy()}>
          <Copy aria-hidden className="size-4" />
          {t.copyId}
        </MenuItem>
        <MenuSeparator />
        <MenuItem danger onClick={() => setAsks(true)}>
          <Trash2 aria-hidden className="size-4" />
          {c.delete}
        </MenuItem>
      </Menu>
      <Confirm
        action={c.delete}
        description={t.deleteText}
        onConfirm={control.remove}
        onOpenChange={setAsks}
        open={asks}
        title={t.deleteTitle(agent.title)}
      />
    </>
  );
}
