import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { SESSION_KEY, sessionQuery, useApi } from "../../lib/api.ts";
import { codeOf } from "../../lib/errors.ts";
import { SignInPage } from "./page.tsx";
import { signInWithKey, takeKeyFromAddress } from "./session.ts";

/**
 * Shows the pages to those whom the API knows, and a sign-in to others. Who is asked nothing sees the pages at once: the
 * question who one is goes along with the first requests of the page.
 */
export function SignInGate({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const api = useApi();
  const [linkKey] = useState(takeKeyFromAddress);
  const [exchanging, setExchanging] = useState(linkKey !== undefined);
  const session = useQuery({ ...sessionQuery(api), enabled: !exchanging });
  // What was refused before is asked again as the one who has signed in.
  const reload = () => void queries.resetQueries();
  useEffect(() => {
    if (linkKey === undefined) return;
    // A key that is refused, or a server that is away, ends at the sign-in, which says so.
    void signInWithKey(linkKey)
      .catch(() => undefined)
      .finally(() => setExchanging(false));
  }, [linkKey]);
  useEffect(() => {
    const look = (error: unknown) => {
      const known = queries.getQueryState(SESSION_KEY)?.status === "success";
      // A session that ended while the page was open.
      if (codeOf(error) === "UNAUTHENTICATED" && known)
        void queries.invalidateQueries({ queryKey: SESSION_KEY });
    };
    const leave = [
      queries.getQueryCache().subscribe(({ query }) => look(query.state.error)),
      queries.getMutationCache().subscribe(({ mutation }) => look(mutation?.state.error)),
    ];
    return () => {
      for (const end of leave) end();
    };
  }, [queries]);
  if (exchanging) return null;
  if (codeOf(session.error) === "UNAUTHENTICATED") return <SignInPage onSignedIn={reload} />;
  return children;
}
