import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { Keyboard, Plus } from "lucide-react";
import { lazy, Suspense, useEffect, useEffectEvent, useState } from "react";
import { Button, buttonClass } from "../components/ui/button.tsx";
import { Tooltip } from "../components/ui/tooltip.tsx";
import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { BASE } from "../lib/base.ts";
import { useListSearch } from "../lib/builds-list.ts";
import { usePrefixKeys, useShortcut } from "../lib/shortcuts.ts";
import { useMedia } from "../lib/use-media.ts";
import { ConnectionBanner } from "./connection-banner.tsx";
import { messages } from "./messages.ts";
import { Navigation } from "./navigation.tsx";
import { useSections } from "./sections.ts";
import { SettingsMenu } from "./settings-menu.tsx";
import { useBuildNotifications } from "./use-build-notifications.ts";

const Help = lazy(() => import("./help.tsx").then((module) => ({ default: module.Help })));
const Palette = lazy(() => import("./palette.tsx").then((module) => ({ default: module.Palette })));

/** ⌘K or Ctrl+K, in fields too: it is no letter. */
function usePaletteKey(open: () => void): void {
  const act = useEffectEvent(open);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (
        event.key.toLowerCase() !== "k" ||
        !(event.metaKey || event.ctrlKey) ||
        event.shiftKey ||
        event.altKey
      )
        return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

/** The frame of every page: a bar on top, the page below it, which scrolls by itself. */
export function Shell() {
  const t = useMessages(messages);
  const c = useMessages(common);
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const phone = useMedia("(width < 40rem)");
  const [palette, setPalette] = useState(false);
  usePrefixKeys();
  usePaletteKey(() => setPalette(true));
  useBuildNotifications();
  useShortcut("?", () => setHelp(true));
  const listSearch = useListSearch();
  const sections = useSections();
  useShortcut("g b", () => void navigate({ to: "/", search: listSearch }));
  useShortcut("g a", () => void navigate({ to: "/agents", search: {} }));
  useShortcut("g s", () => void navigate({ to: "/statistics" }));
  useShortcut("c", () => void navigate({ to: "/new" }));
  return (
    <div className="flex h-dvh flex-col bg-bg">
      <a
        className="-translate-y-16 fixed top-2 left-2 z-50 rounded-md bg-accent-strong px-3 py-1.5 text-on-accent focus:translate-y-0"
        href="#content"
      >
        {t.skip}
      </a>
      <header className="flex h-12 shrink-0 items-center gap-1 border-line border-b bg-surface px-2 sm:px-4">
        <Link
          className="mr-1 flex items-center gap-2 rounded-md px-1 py-1 font-semibold max-sm:min-h-11 sm:mr-4"
          search={{}}
          to="/"
        >
          <img alt="" className="size-6" height="24" src={`${BASE}/icon.svg`} width="24" />
          <span>Stagefold</span>
        </Link>
        {phone ? (
          <span className="flex-1" />
        ) : (
          <Navigation className="flex min-w-0 flex-1 items-center gap-1" />
        )}
        <Link className={buttonClass({ look: "primary" })} to="/new">
          <Plus aria-hidden className="size-4" />
          <span className="max-sm:sr-only">{c.newBuild}</span>
        </Link>
        <Tooltip content={`${c.help} (?)`}>
          <Button
            aria-label={c.help}
            className="max-sm:hidden"
            look="ghost"
            onClick={() => setHelp(true)}
            size="icon"
          >
            <Keyboard aria-hidden className="size-4" />
          </Button>
        </Tooltip>
        <SettingsMenu />
      </header>
      <main className="flex min-h-0 flex-1 flex-col" id="content" tabIndex={-1}>
        <Outlet />
      </main>
      {phone && (
        <Navigation className="z-10 flex shrink-0 items-stretch gap-1 border-line border-t bg-surface px-2 py-1 pb-[max(0.25rem,env(safe-area-inset-bottom))]" />
      )}
      <ConnectionBanner />
      {palette && (
        <Suspense>
          <Palette
            entries={[
              { name: c.newBuild, go: () => void navigate({ to: "/new", search: {} }) },
              ...sections.map(({ name, title, to }) => ({
                name: title,
                go: () => void navigate({ to, search: name === "builds" ? listSearch : {} }),
              })),
              { name: c.help, go: () => setHelp(true) },
            ]}
            onOpenChange={setPalette}
            open
          />
        </Suspense>
      )}
      {help && (
        <Suspense>
          <Help onOpenChange={setHelp} open />
        </Suspense>
      )}
    </div>
  );
}
