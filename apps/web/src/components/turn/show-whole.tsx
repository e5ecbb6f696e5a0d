import { useMessages } from "../../i18n/lang.ts";
import type { Turn } from "../../lib/api.ts";
import { refUrl } from "../../lib/turn-files.ts";
import { messages } from "./messages.ts";

interface ShowWholeProps {
  turn: Turn;
  blockRef: string;
  state: "beginning" | "loading" | "failed";
  onShow: () => void;
}

/** Says that only the beginning is here, and shows the rest, or saves it. */
export function ShowWhole({ turn, blockRef, state, onShow }: ShowWholeProps) {
  const t = useMessages(messages);
  return (
    <p aria-live="polite" className="flex flex-wrap items-center gap-x-3 text-ink-3 text-xs">
      {state === "failed" ? t.wholeFailed : t.beginning}
      <button
        className="min-h-6 text-accent hover:underline disabled:text-ink-3 max-sm:min-h-11"
        disabled={state === "loading"}
        onClick={onShow}
        type="button"
      >
        {state === "loading" ? t.wholeLoading : t.showWhole}
      </button>
      <a
        className="inline-flex min-h-6 items-center text-accent hover:underline max-sm:min-h-11"
        download
        href={refUrl(blockRef, turn)}
      >
        {t.saveWhole}
      </a>
    </p>
  );
}
