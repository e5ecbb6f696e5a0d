import { Settings2 } from "lucide-react";
import { Button } from "../components/ui/button.tsx";
import { Menu, MenuChoice, MenuSeparator, MenuToggle } from "../components/ui/menu.tsx";
import { Account } from "../features/sign-in/account.tsx";
import { setLang, useLang, useMessages } from "../i18n/lang.ts";
import { canNotify, setNotifications, useNotifications } from "../lib/notifications.ts";
import { setTheme, useTheme } from "../lib/theme.ts";
import { messages } from "./messages.ts";

export function SettingsMenu() {
  const t = useMessages(messages);
  const lang = useLang();
  const theme = useTheme();
  const notified = useNotifications();
  return (
    <Menu
      trigger={
        <Button aria-label={t.settings} look="ghost" size="icon">
          <Settings2 aria-hidden className="size-4" />
        </Button>
      }
    >
      <MenuChoice
        label={t.language}
        onChange={setLang}
        options={[
          ["en", "English"],
          ["zh", "中文"],
        ]}
        value={lang}
      />
      <MenuSeparator />
      <MenuChoice
        label={t.look}
        onChange={setTheme}
        options={[
          ["system", t.system],
          ["light", t.light],
          ["dark", t.dark],
        ]}
        value={theme}
      />
      {canNotify() && (
        <>
          <MenuSeparator />
          <MenuToggle on={notified} onChange={(on) => void setNotifications(on)}>
            {t.notify}
          </MenuToggle>
        </>
      )}
      <Account />
    </Menu>
  );
}
