import { Link, useLocation } from "@tanstack/react-router";
import { Ellipsis } from "lucide-react";
import { Menu, MenuLink } from "../components/ui/menu.tsx";
import { useMessages } from "../i18n/lang.ts";
import { useListSearch } from "../lib/builds-list.ts";
import { cn } from "../lib/cn.ts";
import { useMedia } from "../lib/use-media.ts";
import { messages } from "./messages.ts";
import { type Section, useSections } from "./sections.ts";

/** So many stand side by side; the others are in a menu. */
const FEW = 3;
const MANY = 6;

/** Where a finger reaches it on a phone: at the bottom, with the names below the pictures. */
const ENTRY =
  "flex items-center gap-2 rounded-md font-medium text-ink-2 hover:bg-hover hover:text-ink max-sm:min-h-12 max-sm:flex-1 max-sm:flex-col max-sm:justify-center max-sm:gap-0.5 max-sm:text-[0.6875rem] sm:h-8 sm:px-2.5 sm:text-sm";
const HERE = "bg-hover text-ink! max-sm:text-accent!";

/** The ways to all pages; those of administrators are shown to administrators. */
export function Navigation({ className }: { className: string }) {
  const t = useMessages(messages);
  const { pathname } = useLocation();
  const listSearch = useListSearch();
  const sections = useSections();
  const count = useMedia("(width >= 64rem)") ? MANY : FEW;
  const more = sections.slice(count);
  const searchOf = ({ name }: Section) => (name === "builds" ? listSearch : {});
  return (
    <nav aria-label={t.navigation} className={className}>
      {sections.slice(0, count).map((section) => {
        const { name, title, to, icon: Icon } = section;
        const here = section.isAt(pathname);
        return (
          <Link
            aria-current={here ? "page" : undefined}
            className={cn(ENTRY, here && HERE)}
            key={name}
            search={searchOf(section)}
            to={to}
          >
            <Icon aria-hidden className="size-4 max-sm:size-5" />
            {title}
          </Link>
        );
      })}
      {more.length > 0 && (
        <Menu
          align="start"
          trigger={
            <button className={cn(ENTRY, more.some(({ isAt }) => isAt(pathname)) && HERE)} type="button">
              <Ellipsis aria-hidden className="size-4 max-sm:size-5" />
              {t.more}
            </button>
          }
        >
          {more.map(({ name, title, to, icon: Icon }) => (
            <MenuLink key={name} render={<Link search={{}} to={to} />}>
              <Icon aria-hidden className="size-4" />
              {title}
            </MenuLink>
          ))}
        </Menu>
      )}
    </nav>
  );
}
