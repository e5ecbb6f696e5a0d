import { Settings2 } from "lucide-react";
import { Button } from "../../components/ui/button.tsx";
import { Menu, MenuChoice, MenuGroup, MenuSeparator, MenuToggle } from "../../components/ui/menu.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { COLUMN, COLUMNS, showColumn, useColumns } from "./columns.tsx";
import { density, useDensity } from "./density.ts";
import { messages } from "./messages.ts";

/** How the list is shown: the room for a build, and which columns there are. A phone has room for neither. */
export function Display() {
  const t = useMessages(messages);
  const dense = useDensity();
  const columns = useColumns();
  return (
    <span className="max-sm:hidden">
      <Menu
        trigger={
          <Button aria-label={t.display} look="secondary" size="icon" title={t.display}>
            <Settings2 aria-hidden className="size-4" />
          </Button>
        }
      >
        <MenuChoice
          label={t.density}
          onChange={(value) => density.set(value)}
          options={[
            ["roomy", t.roomy],
            ["dense", t.dense],
          ]}
          value={dense ? "dense" : "roomy"}
        />
        <MenuSeparator />
        <MenuGroup label={t.columns}>
          {COLUMNS.map((key) => (
            <MenuToggle key={key} on={columns.includes(key)} onChange={(shown) => showColumn(key, shown)}>
              {t[COLUMN[key].name]}
            </MenuToggle>
          ))}
        </MenuGroup>
      </Menu>
    </span>
  );
}
