import { useQuery } from "@tanstack/react-query";
import { MenuItem, MenuSeparator } from "../../components/ui/menu.tsx";
import { toast } from "../../components/ui/toast.ts";
import { useMessages } from "../../i18n/lang.ts";
import { sessionQuery, useApi } from "../../lib/api.ts";
import { BASE } from "../../lib/base.ts";
import { forgetTexts } from "../../lib/storage.ts";
import { messages } from "./messages.ts";
import { signOut } from "./session.ts";

/** Who one is signed in as, and the way out. Nothing where the API needs no sign-in. */
export function Account() {
  const t = useMessages(messages);
  const { data: session } = useQuery(sessionQuery(useApi()));
  if (!session || session.kind === "local") return null;
  const leave = (everywhere: boolean) =>
    void signOut(everywhere).then(
      () => {
        // Nothing of what this reader saw or typed is for the next one of this browser: the page is read anew.
        forgetTexts();
        window.location.assign(`${BASE}/`);
      },
      () => toast.fail(t.notSignedOut, t.unreachable),
    );
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
