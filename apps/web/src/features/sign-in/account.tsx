import { useQuery } from "@tanstack/react-query";
import { MenuItem, MenuSeparator } from "../../components/ui/menu.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { sessionQuery, useApi } from "../../lib/api.ts";
import { messages } from "./messages.ts";
import { signOut } from "./session.ts";

/** Who one is signed in as, and the way out. Nothing where the API needs no sign-in. */
export function Account() {
  const t = useMessages(messages);
  const { data: session } = useQuery(sessionQuery(useApi()));
  if (!session || session.kind === "local") return null;
  // The page is read anew: nothing of what this user saw stays in memory.
  const leave = (everywhere: boolean) => void signOut(everywhere).finally(() => window.location.assign("/"));
  return (
    <>
      <MenuSeparator />
      <p className="px-2 py-1 text-ink-3 text-xs [overflow-wrap:anywhere]">
        {t.signedInAs(session.name)} · {session.role}
      </p>
      <MenuItem onClick={() => leave(false)}>{t.signOut}</MenuItem>
      <MenuItem onClick={() => leave(true)}>{t.signOutEverywhere}</MenuItem>
    </>
  );
}
