import { useMemo, useState } from "react";
import { ErrorState } from "../../../components/ui/error-state.tsx";
import { Select } from "../../../components/ui/field.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import { cn } from "../../../lib/cn.ts";
import { codeOf } from "../../../lib/errors.ts";
import { messages } from "../messages.ts";
import type { Artifact } from "../model/artifact.ts";
import { type DiffLine, diffOf } from "../model/diff.ts";
import { textOf } from "../model/preview.ts";
import { Loading, Note } from "./content.tsx";
import { useBytes } from "./use-bytes.ts";

/** The same path as two attempts of its stage made it. */
export function Compare({ artifact }: { artifact: Artifact }) {
  const t = useMessages(messages);
  const [before, setBefore] = useState(artifact.attempt - 1);
  const [after, setAfter] = useState(artifact.attempt);
  return (
    <div>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-2 text-sm">
        <AttemptChoice label={t.before} most={artifact.attempt} onChange={setBefore} value={before} />
        <AttemptChoice label={t.after} most={artifact.attempt} onChange={setAfter} value={after} />
      </div>
      <Difference after={after} artifact={artifact} before={before} />
    </div>
  );
}

interface AttemptChoiceProps {
  label: string;
  value: number;
  /** The newest attempt. */
  most: number;
  onChange: (attempt: number) => void;
}

function AttemptChoice({ label, value, most, onChange }: AttemptChoiceProps) {
  const t = useMessages(messages);
  const attempts = Array.from({ length: most }, (_, i) => i + 1);
  return (
    <div className="flex items-center gap-2">
      <span aria-hidden>{label}</span>
      <Select
        aria-label={label}
        className="w-auto! text-sm!"
        onChange={(event) => onChange(Number(event.target.value))}
        value={value}
      >
        {attempts.map((attempt) => (
          <option key={attempt} value={attempt}>
            {t.attempt(attempt)}
          </option>
        ))}
      </Select>
    </div>
  );
}

function Difference({ artifact, before, after }: { artifact: Artifact; before: number; after: number }) {
  const t = useMessages(messages);
  const version = (attempt: number) => (attempt === artifact.attempt ? artifact.sha256 : undefined);
  const older = useBytes({ ...artifact, attempt: before }, version(before));
  const newer = useBytes({ ...artifact, attempt: after }, version(after));
  const texts = useMemo(
    () => [older.data && textOf(older.data), newer.data && textOf(newer.data)] as const,
    [older.data, newer.data],
  );
  const diff = useMemo(() => {
    const [one, other] = texts;
    return one === undefined || other === undefined ? undefined : diffOf(one, other);
  }, [texts]);
  for (const [answer, attempt] of [
    [older, before],
    [newer, after],
  ] as const) {
    if (codeOf(answer.error) === "ARTIFACT_NOT_FOUND") return <Note>{t.notInAttempt(attempt)}</Note>;
    if (answer.error) return <ErrorState error={answer.error} onRetry={() => void answer.refetch()} />;
  }
  if (!older.data || !newer.data) return <Loading />;
  if (texts[0] === undefined || texts[1] === undefined) return <Note>{t.binary}</Note>;
  if (texts[0] === texts[1]) return <Note>{t.same}</Note>;
  if (!diff) return <Note>{t.tooDifferent}</Note>;
  return (
    <>
      <p className="px-4 py-2 text-ink-2 text-sm" role="status">
        {t.changes(diff.added, diff.removed)}
      </p>
      <DiffTable lines={diff.hunks.map((hunk) => hunk.lines)} />
    </>
  );
}

const LOOK = {
  same: "",
  added: "bg-good-soft",
  removed: "bg-bad-soft",
} as const satisfies Record<DiffLine["kind"], string>;

const SIGN = { same: " ", added: "+", removed: "−" } as const satisfies Record<DiffLine["kind"], string>;

function DiffTable({ lines }: { lines: readonly (readonly DiffLine[])[] }) {
  const t = useMessages(messages);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <div className="max-h-[60dvh] overflow-auto pb-2" tabIndex={0}>
      <table className="w-full font-mono text-xs leading-5" data-testid="diff">
        <thead className="sr-only">
          <tr>
            <th scope="col">{t.before}</th>
            <th scope="col">{t.after}</th>
            <th scope="col">{t.line}</th>
          </tr>
        </thead>
        {lines.map((hunk) => (
          <tbody className="border-line border-t" key={`${hunk[0]?.before} ${hunk[0]?.after}`}>
            {hunk.map((line) => (
              <tr className={LOOK[line.kind]} key={`${line.before} ${line.after}`}>
                <td className="tabular w-12 select-none px-2 text-right align-top text-ink-3">
                  {line.before}
                </td>
                <td className="tabular w-12 select-none px-2 text-right align-top text-ink-3">
                  {line.after}
                </td>
                <td className="whitespace-pre-wrap pr-4 [overflow-wrap:anywhere]">
                  <span aria-hidden className={cn("mr-2 select-none", line.kind === "same" && "opacity-0")}>
                    {SIGN[line.kind]}
                  </span>
                  {line.kind !== "same" && <span className="sr-only">{t[line.kind]}: </span>}
                  {line.text}
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}
