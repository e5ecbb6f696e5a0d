import { Fragment } from "react";
import { Checkbox } from "../components/ui/checkbox.tsx";
import { Dialog } from "../components/ui/dialog.tsx";
import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { setShortcutsEnabled, useShortcutsEnabled } from "../lib/shortcuts.ts";
import { messages } from "./messages.ts";

type Key = Exclude<keyof (typeof messages)["en"], symbol>;

/** Every shortcut there is: where it works, its keys (a space is "then", a comma "or"), what it does. */
const SHORTCUTS: readonly (readonly [where: Key, keys: readonly (readonly [keys: string, does: Key])[]])[] = [
  [
    "everywhere",
    [
      ["?", "keyHelp"],
      ["⌘K,Ctrl+K", "keyPalette"],
      ["g b", "keyBuilds"],
      ["c", "keyNew"],
      ["g a", "keyAgents"],
      ["g s", "keyStatistics"],
    ],
  ],
  [
    "inTheList",
    [
      ["/", "keySearch"],
      ["j,↓", "keyNext"],
      ["k,↑", "keyPrevious"],
      ["Enter", "keyOpen"],
      ["x", "keySelect"],
      ["X", "keyRange"],
      [".", "keyActions"],
      ["p,s", "keyPause"],
      ["r", "keyRetry"],
      ["!,#", "keyEnd"],
      ["a", "keyAll"],
      ["Esc", "keyClear"],
    ],
  ],
  [
    "onABuild",
    [
      ["j,k", "keyStage"],
      ["e", "keyError"],
      ["/", "keySearch"],
      ["u", "keyUp"],
      ["↓,↑", "keyRow"],
      ["→,←", "keyBar"],
    ],
  ],
  [
    "inTheFiles",
    [
      ["↓,↑", "keyFile"],
      ["→,←", "keyFolder"],
    ],
  ],
];

export function Help({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const enabled = useShortcutsEnabled();
  return (
    <Dialog onOpenChange={onOpenChange} open={open} title={c.help}>
      <div className="grid gap-5">
        {SHORTCUTS.map(([where, keys]) => (
          <section key={where}>
            <h3 className="mb-2 font-semibold text-ink-2 text-sm">{t[where]}</h3>
            <dl className="grid grid-cols-[7rem_1fr] gap-y-2 text-sm">
              {keys.map(([combination, does]) => (
                <Fragment key={combination}>
                  <dt>
                    <Keys combination={combination} />
                  </dt>
                  <dd>{t[does]}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
        {/* biome-ignore lint/a11y/noLabelWithoutControl: the checkbox is its control */}
        <label className="flex min-h-13 items-center gap-2 border-line border-t pt-2 text-sm">
          <Checkbox checked={enabled} onCheckedChange={setShortcutsEnabled} />
          {t.allowKeys}
        </label>
      </div>
    </Dialog>
  );
}

function Keys({ combination }: { combination: string }) {
  const t = useMessages(messages);
  const [separator, word] = combination.includes(",") ? [",", t.or] : [" ", t.andThen];
  return combination.split(separator).map((key, i) => (
    <Fragment key={key}>
      {i > 0 && <span className="text-ink-3 text-xs"> {word} </span>}
      <kbd className="rounded border border-line bg-sunken px-1.5 py-0.5 font-mono text-xs">{key}</kbd>
    </Fragment>
  ));
}
