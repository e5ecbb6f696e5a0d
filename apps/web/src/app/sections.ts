import { useQuery } from "@tanstack/react-query";
import {
  Bot,
  CalendarClock,
  ChartNoAxesColumn,
  KeyRound,
  ListChecks,
  type LucideIcon,
  ScrollText,
  Server,
  Webhook,
  Workflow,
} from "lucide-react";
import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { sessionQuery, useApi } from "../lib/api.ts";
import { messages } from "./messages.ts";

/** In the order in which the navigation has them. */
const SECTIONS = {
  builds: { to: "/", icon: ListChecks, below: /^\/builds\// },
  agents: { to: "/agents", icon: Bot, below: /^\/(agents|talk|calls)\// },
  statistics: { to: "/statistics", icon: ChartNoAxesColumn },
  pipelines: { to: "/pipelines", icon: Workflow },
  schedules: { to: "/schedules", icon: CalendarClock },
  workers: { to: "/workers", icon: Server },
  webhooks: { to: "/webhooks", icon: Webhook, for: "admins", below: /^\/webhooks\// },
  keys: { to: "/keys", icon: KeyRound, for: "admins by key" },
  audit: { to: "/audit", icon: ScrollText, for: "admins by key" },
} as const satisfies Record<
  string,
  { to: string; icon: LucideIcon; below?: RegExp; for?: "admins" | "admins by key" }
>;

type Name = keyof typeof SECTIONS;

export interface Section {
  readonly name: Name;
  readonly title: string;
  readonly to: (typeof SECTIONS)[Name]["to"];
  readonly icon: LucideIcon;
  /** Whether this address is one of it. */
  readonly isAt: (pathname: string) => boolean;
}

/** All pages that the reader may open, for the navigation and for the palette. */
export function useSections(): readonly Section[] {
  const t = useMessages(messages);
  const c = useMessages(common);
  const { data: session } = useQuery(sessionQuery(useApi()));
  const titles: Readonly<Record<Name, string>> = { ...t, builds: c.builds, statistics: c.statistics };
  const isAdmin = session?.role === "admin";
  return Object.entries(SECTIONS).flatMap(([key, section]) => {
    const who = "for" in section ? section.for : undefined;
    // An API without authentication has no keys, and no callers to tell apart.
    if (who !== undefined && (!isAdmin || (who === "admins by key" && session?.kind === "local"))) return [];
    const name = key as Name;
    const { to, icon } = section;
    const isAt = (pathname: string) =>
      pathname === to || ("below" in section && section.below.test(pathname));
    return [{ name, title: titles[name], to, icon, isAt }];
  });
}
