import { Link } from "@tanstack/react-router";
import { RelativeTime } from "../../components/relative-time.tsx";
import { type Column, DataTable } from "../../components/ui/data-table.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { TurnRow } from "../../lib/api.ts";
import { formatCompact, formatCost, formatDuration } from "../../lib/format.ts";
import { messages } from "./messages.ts";

/** Calls of an agent, in conversations and without; each leads to what was asked and answered. */
export function CallTable({ rows }: { rows: readonly TurnRow[] }) {
  const t = useMessages(messages);
  const lang = useLang();
  const columns: Column<TurnRow>[] = [
    { name: t.question, phone: "title", cell: (row) => <CallLink row={row} /> },
    { name: t.status, cell: ({ status, code }) => <Outcome code={code} status={status} /> },
    { name: t.caller, cell: ({ caller }) => caller },
    {
      name: t.took,
      end: true,
      cell: ({ duration_ms }) => duration_ms !== undefined && formatDuration(duration_ms / 1000, lang),
    },
    {
      name: t.tokens,
      end: true,
      cell: ({ input_tokens, output_tokens }) => formatCompact(input_tokens + output_tokens, lang),
    },
    { name: t.cost, end: true, cell: ({ cost_usd }) => (cost_usd > 0 ? formatCost(cost_usd, lang) : "–") },
    { name: t.when, end: true, cell: ({ started_at }) => <RelativeTime at={started_at} narrow /> },
  ];
  return (
    <DataTable
      columns={columns}
      keyOf={({ session_id, turn, invocation_id }) => invocation_id ?? `${session_id} ${turn}`}
      label={t.calls}
      rows={rows}
    />
  );
}

function CallLink({ row: { session_id, invocation_id, text } }: { row: TurnRow }) {
  const look = "target text-accent hover:underline";
  if (invocation_id !== undefined)
    return (
      <Link className={look} params={{ invocationId: invocation_id }} to="/calls/$invocationId">
        <span className="line-clamp-2">{text}</span>
      </Link>
    );
  if (session_id === undefined) return text;
  return (
    <Link className={look} params={{ sessionId: session_id }} to="/talk/$sessionId">
      <span className="line-clamp-2">{text}</span>
    </Link>
  );
}

const TONES = {
  running: "text-info",
  completed: "text-good",
  failed: "text-bad",
  cancelled: "text-idle",
  interrupted: "text-warn",
} as const satisfies Record<TurnRow["status"], string>;

function Outcome({ status, code }: { status: TurnRow["status"]; code: string | undefined }) {
  const t = useMessages(messages);
  return (
    <span className={TONES[status]}>
      {t[`status_${status}`]}
      {code !== undefined && <span className="ml-1.5 font-mono text-xs">{code}</span>}
    </span>
  );
}
