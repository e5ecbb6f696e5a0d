import { Link } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { buttonClass } from "../components/ui/button.tsx";
import { EmptyState } from "../components/ui/empty-state.tsx";
import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { messages } from "./messages.ts";

export function NotFound() {
  const t = useMessages(messages);
  const c = useMessages(common);
  return (
    <>
      <h1 className="sr-only">{t.notFound}</h1>
      <EmptyState
        action={
          <Link className={buttonClass({ look: "primary" })} search={{}} to="/">
            {c.toBuilds}
          </Link>
        }
        icon={SearchX}
        title={t.notFound}
      />
    </>
  );
}
