import { ChevronRight, CircleCheck, CircleX, LoaderCircle, Wrench } from "lucide-react";
import { useId, useState } from "react";
import { useMessages } from "../../i18n/lang.ts";
import type { Turn } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { useWhole } from "../../lib/turn-files.ts";
import { messages } from "./messages.ts";
import { ShowWhole } from "./show-whole.tsx";
import { TurnFiles } from "./turn-files.tsx";

type ToolBlock = Extract<Turn["blocks"][number], { type: "tool" }>;

const LOOK = {
  running: { icon: LoaderCircle, text: "text-info" },
  completed: { icon: CircleCheck, text: "text-good" },
  failed: { icon: CircleX, text: "text-bad" },
} as const;

/** One call of a tool: its name and how it went; opened, what it was given and what it gave. */
export function ToolCard({ turn, block }: { turn: Turn; block: ToolBlock }) {
  const t = useMessages(messages);
  const [open, setOpen] = useState(false);
  const id = useId();
  const [wanted, setWanted] = useState(false);
  const whole = useWhole(block.ref, turn, wanted);
  const { name, status } = block;
  const { input, output } = (whole.data === undefined ? undefined : wholeOf(whole.data)) ?? block;
  const { icon: Icon, text } = LOOK[status];
  const given = typeof input === "string" ? input : JSON.stringify(input);
  return (
    <div
      className="overflow-hidden rounded-lg border border-line bg-surface"
      data-testid="tool"
      data-tool={name}
    >
      <button
        aria-controls={id}
        aria-expanded={open}
        className="flex min-h-10 w-full items-center gap-2 px-3 text-left text-sm outline-offset-[-2px] hover:bg-hover max-sm:min-h-11"
        onClick={() => setOpen(!open)}
        type="button"
      >
        <Wrench aria-hidden className="size-3.5 shrink-0 text-ink-3" />
        <span className="shrink-0 font-medium font-mono text-xs">
          <span className="sr-only">{t.tool("")}</span>
          {name}
        </span>
        <span className="min-w-0 flex-1 truncate font-mono text-ink-3 text-xs">{open ? "" : given}</span>
        <Icon
          aria-hidden
          className={cn(
            "size-4 shrink-0",
            text,
            status === "running" && "animate-spin [animation-duration:2.4s]",
          )}
        />
        <span className="sr-only">{t[status]}</span>
        <ChevronRight
          aria-hidden
          className={cn("size-4 shrink-0 text-ink-3 transition-transform", open && "rotate-90")}
        />
      </button>
      <div hidden={!open} id={id}>
        {open && (
          <div className="grid grid-cols-1 gap-2 border-line border-t p-3">
            <Part name={t.input} text={typeof input === "string" ? input : JSON.stringify(input, null, 2)} />
            {output !== null && (
              <Part name={t.output} text={pretty(output)} tone={status === "failed" ? "text-bad" : ""} />
            )}
            {block.ref && whole.data === undefined && (
              <ShowWhole
                blockRef={block.ref}
                onShow={() => (wanted ? void whole.refetch() : setWanted(true))}
                state={whole.isFetching ? "loading" : whole.error ? "failed" : "beginning"}
                turn={turn}
              />
            )}
          </div>
        )}
      </div>
      {(block.files || block.left_out) && (
        <div className="grid grid-cols-1 gap-2 border-line border-t p-3">
          <TurnFiles files={block.files ?? []} kind="made" turn={turn} />
          {block.left_out && <p className="text-ink-3 text-xs">{block.left_out}</p>}
        </div>
      )}
    </div>
  );
}

/** `{ input, output }` as the whole of a call is kept. */
function wholeOf(text: string): { input: unknown; output: string | null } | undefined {
  try {
    const { input, output } = JSON.parse(text);
    return { input, output: typeof output === "string" ? output : null };
  } catch {
    return undefined;
  }
}

function Part({ name, text, tone = "" }: { name: string; text: string; tone?: string }) {
  return (
    <div className="min-w-0">
      <p className="mb-1 text-ink-3 text-xs">{name}</p>
      <pre
        className={cn(
          "max-h-72 overflow-auto whitespace-pre-wrap rounded-md bg-sunken p-2 font-mono text-xs [overflow-wrap:anywhere]",
          tone,
        )}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
        tabIndex={0}
      >
        {text}
      </pre>
    </div>
  );
}

/** JSON with its lines, and any other text as it is. */
function pretty(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}
