import { AlignLeft, Copy, Ellipsis, Link2 } from "lucide-react";
import { Button } from "../../../components/ui/button.tsx";
import { Menu, MenuItem } from "../../../components/ui/menu.tsx";
import { toast } from "../../../components/ui/toast.ts";
import { common } from "../../../i18n/common.ts";
import { useMessages } from "../../../i18n/lang.ts";
import type { LogBuffer } from "./buffer.ts";
import { type LineRange, rangeText } from "./lines.ts";
import { logMessages } from "./messages.ts";

export interface LogMenuProps {
  buffer: LogBuffer;
  /** The lines that are chosen, or found. */
  range: LineRange | undefined;
  onLine: (line: string) => void;
}

/** What one does more rarely with a log. */
export function LogMenu({ buffer, range, onLine }: LogMenuProps) {
  const t = useMessages(logMessages);
  const c = useMessages(common);
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      toast.say(c.copied);
    } catch {
      toast.fail(c.notCopied);
    }
  };
  const copyLink = () => {
    if (!range) return;
    onLine(rangeText(range));
    const address = new URL(location.href);
    address.hash = rangeText(range);
    void copy(address.href);
  };
  const openRaw = () => {
    const parts = Array.from({ length: buffer.length }, (_, i) => `${buffer.plain(i)}\n`);
    const url = URL.createObjectURL(new Blob(parts, { type: "text/plain;charset=utf-8" }));
    window.open(url, "_blank", "noopener");
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => buffer.plain(from + i)).join("\n");
  return (
    <Menu
      trigger={
        <Button aria-label={t.moreOfLog} look="ghost" size="tool">
          <Ellipsis aria-hidden className="size-4" />
        </Button>
      }
    >
      <MenuItem disabled={!range} onClick={copyLink}>
        <Link2 aria-hidden className="size-4" />
        {range ? t.copyLinkTo(rangeText(range)) : t.copyLink}
      </MenuItem>
      <MenuItem
        disabled={!range}
        onClick={() => range && void copy(lines(range.from - 1, Math.min(range.to, buffer.length)))}
      >
        <Copy aria-hidden className="size-4" />
        {t.copyLines}
      </MenuItem>
      <MenuItem onClick={() => void copy(lines(0, buffer.length))}>
        <Copy aria-hidden className="size-4" />
        {t.copyAll}
      </MenuItem>
      <MenuItem onClick={openRaw}>
        <AlignLeft aria-hidden className="size-4" />
        {t.raw}
      </MenuItem>
    </Menu>
  );
}
