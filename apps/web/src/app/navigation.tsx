import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import {
  Bot,
  ChartNoAxesColumn,
  Ellipsis,
  KeyRound,
  ListChecks,
  type LucideIcon,
  ScrollText,
  Workflow,
} from "lucide-react";
import { Menu, MenuLink } from "../components/ui/menu.tsx";
import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { sessionQuery, useApi } from "../lib/api.ts";
import { useListSearch } from "../lib/builds-list.ts";
import { cn } from "../lib/cn.ts";
import { messages } from "./messages.ts";

type Section = "builds" | "agents" | "statistics" | "pipelines" | "keys" | "audit";
type Path = "/" | "/agents" | "/statistics" | "/pipelines" | "/keys" | "/audit";

const PAGES: Readonly<Record<Section, { to: Path; icon: LucideIcon; admin?: true }>> = {
  builds: { to: "/", icon: ListChecks },
  agents: { to: "/agents", icon: Bot },
  statistics: { to: "/statistics", icon: ChartNoAxesColumn },
  pipelines: { to: "/pipelines", icon: Workflow },
  keys: { to: "/keys", icon: KeyRound, admin: true },
  audit: { to: "/audit", icon: ScrollText, admin: true },
};
const FIRST: readonly Section[] = ["builds", "agents", "statistics"];
const MORE: readonly Section[] = ["pipelines", "keys", "audit"];

/** Where a finger reaches it on a phone: at the bottom, with the names below the pictures. */
const ENTRY =
  "flex items-center gap-2 rounded-md font-medium text-ink-2 hover:bg-hover hover:text-ink max-sm:min-h-12 max-sm:flex-1 max-sm:flex-col max-sm:justify-center max-sm:gap-0.5 max-sm:text-[0.6875rem] sm:h-8 sm:px-2.5 sm:text-sm";
const HERE = "bg-hover text-ink! max-sm:text-accent!";

/** The ways to all pages; those of administrators are shown to administrators. */
export function Navigation({ className }: { className: string }) {
  const t = useMessages(messages);
  const names = useNames();
  const { pathname } = useLocation();
  const listSearch = useListSearch();
  const { data: session } = useQuery(sessionQuery(useApi()));
  // An API without authentication has no keys.
  const isAdmin = session?.role === "admin" && session.kind !== "local";
  const more = MORE.filter((section) => isAdmin || !PAGES[section].admin);
  const searchOf = (section: Section) => (section === "builds" ? listSearch : {});
  const inMore = more.some((section) => pathname === PAGES[section].to);
  return (
    <nav aria-label={t.navigation} className={className}>
      {FIRST.map((section) => {
        const { to, icon: Icon } = PAGES[section];
        const here = pathname === to || (section === "agents" && /^\/(agents|talk|calls)\//.test(pathname));
        return (
          <Link
            aria-current={here ? "page" : undefined}
            className={cn(ENTRY, here && HERE)}
            key={section}
            search={searchOf(section)}
            to={to}
          >
            <Icon aria-hidden className="size-4 max-sm:size-5" />
            {names[section]}
          </Link>
        );
      })}
      <Menu
        align="start"
        trigger={
          <button className={cn(ENTRY, inMore && HERE)} type="button">
            <Ellipsis aria-hidden className="size-4 max-sm:size-5" />
            {t.more}
          </button>
        }
      >
        {more.map((section) => {
          const { to, icon: Icon } = PAGES[section];
          return (
            <MenuLink key={section} render={<Link search={{}} to={to} />}>
              <Icon aria-hidden className="size-4" />
              {names[section]}
            </MenuLink>
          );
        })}
      </Menu>
    </nav>
  );
}

function useNames(): Readonly<Record<Section, string>> {
  const t = useMessages(messages);
  const c = useMessages(common);
  return {
    builds: c.builds,
    agents: t.agents,
    statistics: c.statistics,
    pipelines: t.pipelines,
    keys: t.keys,
    audit: t.audit,
  };
}
