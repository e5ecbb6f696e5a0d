import type { HistoryEntry } from "@stagefold/core";
import { Duration, RelativeTime } from "../../../components/relative-time.tsx";
import { StatusBadge } from "../../../components/status.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import { messages } from "../messages.ts";

/** Every attempt of a stage, the newest first. */
export function AttemptTable({ attempts }: { attempts: readonly HistoryEntry[] }) {
  const t = useMessages(messages);
  if (attempts.length === 0) return <p className="py-4 text-ink-2">{t.notBegun}</p>;
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-sm">
        <thead className="text-left text-ink-3 text-xs max-sm:sr-only">
          <tr>
            {[t.chooseAttempt, t.outcome, t.started, t.took, t.reason].map((name) => (
              <th className="py-1.5 pr-4 font-medium" key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {attempts.toReversed().map((attempt) => (
            <AttemptLine attempt={attempt} key={attempt.attempt} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AttemptLine({ attempt }: { attempt: HistoryEntry }) {
  const { started_at, completed_at, status, code, error_message } = attempt;
  const running = status === "running";
  return (
    // On a phone: number, outcome, start and duration in one line, the reason below them.
    <tr className="border-line border-t align-top max-sm:grid max-sm:grid-cols-[auto_auto_1fr_auto]">
      <td className="tabular py-2 pr-4">{attempt.attempt}</td>
      <td className="py-2 pr-4">
        <StatusBadge plain status={status} />
      </td>
      <td className="whitespace-nowrap py-2 pr-4">
        {started_at !== undefined && <RelativeTime at={started_at} />}
      </td>
      <td className="tabular whitespace-nowrap py-2 pr-4">
        {started_at !== undefined && (running || completed_at !== undefined) && (
          <Duration from={started_at} to={completed_at} />
        )}
      </td>
      <td className="py-2 text-ink-2 [overflow-wrap:anywhere] max-sm:col-span-4 max-sm:pt-0">
        {code !== undefined && <span className="mr-2 font-mono text-xs">{code}</span>}
        {error_message}
      </td>
    </tr>
  );
}
