import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { StatusBadge } from "../../components/status.tsx";
import { type Column, DataTable } from "../../components/ui/data-table.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { type Project, projectInputQuery, useApi } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { formatBytes, formatCost, formatDuration, formatNumber } from "../../lib/format.ts";
import { type StageNames, useStageNames } from "../../lib/stage-names.ts";
import { type Artifact, artifactUrl, useArtifacts } from "../artifacts/index.ts";
import { messages } from "./messages.ts";
import {
  type FileRow,
  fileRows,
  type Side,
  type StageRow,
  sortedJson,
  stageRows,
  totalsOf,
} from "./model.ts";

/** All that two builds have in common, and what not. */
export function Comparison({ a, b }: { a: Project; b: Project }) {
  const t = useMessages(messages);
  return (
    <div className="grid grid-cols-1 gap-6">
      <Part title={t.given}>
        <Given a={a} b={b} />
      </Part>
      <Part title={t.stages}>
        <Stages a={a} b={b} />
      </Part>
      <Part title={t.files}>
        <Files a={a} b={b} />
      </Part>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="mb-2 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

interface Both {
  a: Project;
  b: Project;
}

/** What each build was given, line by line; where they differ, both. */
function Given({ a, b }: Both) {
  const t = useMessages(messages);
  const api = useApi();
  const inputs = [
    useQuery(projectInputQuery(api, a.project_id)).data?.input,
    useQuery(projectInputQuery(api, b.project_id)).data?.input,
  ].map((input) => (input ? sortedJson(input) : ""));
  const limits = (project: Project) => (project.limits ? sortedJson(project.limits) : "");
  const lines: readonly (readonly [string, string, string])[] = [
    [t.requirement, a.requirement, b.requirement],
    [t.pipeline, a.pipeline ?? "", b.pipeline ?? ""],
    [t.version, a.pipeline_version ?? "", b.pipeline_version ?? ""],
    [t.input, inputs[0] ?? "", inputs[1] ?? ""],
    [t.limits, limits(a), limits(b)],
    [t.tags, a.tags.join(", "), b.tags.join(", ")],
  ];
  return (
    <div className="rounded-xl border border-line bg-surface">
      <div className="grid grid-cols-2 gap-4 border-line border-b px-4 py-3 sm:grid-cols-[7rem_1fr_1fr]">
        <span className="max-sm:hidden" />
        <Name project={a} />
        <Name project={b} />
      </div>
      {lines
        .filter(([, one, other]) => one !== "" || other !== "")
        .map(([name, one, other]) => (
          <div
            className="grid grid-cols-2 gap-x-4 gap-y-1 border-line border-b px-4 py-2.5 text-sm last:border-0 sm:grid-cols-[7rem_1fr_1fr]"
            key={name}
          >
            <span className="text-ink-3 text-xs max-sm:col-span-2">{name}</span>
            <Text text={one} />
            {one === other ? <span className="text-ink-3">{t.same}</span> : <Text differs text={other} />}
          </div>
        ))}
    </div>
  );
}

function Name({ project: { project_id, project_name, status } }: { project: Project }) {
  return (
    <span className="grid min-w-0 content-start justify-items-start gap-1">
      <Link
        className="target font-medium text-accent [overflow-wrap:anywhere] hover:underline"
        params={{ projectId: project_id }}
        to="/builds/$projectId"
      >
        {project_name.trim() || project_id}
      </Link>
      <StatusBadge status={status} />
    </span>
  );
}

function Text({ text, differs = false }: { text: string; differs?: boolean }) {
  const isCode = text.startsWith("{") || text.startsWith("[");
  return (
    <span
      className={cn(
        "min-w-0 whitespace-pre-wrap [overflow-wrap:anywhere]",
        isCode && "font-mono text-xs",
        differs && "text-warn",
      )}
    >
      {text === "" ? "–" : text}
    </span>
  );
}

function Stages({ a, b }: Both) {
  const t = useMessages(messages);
  const lang = useLang();
  const stageNames = useStageNames();
  const rows = stageRows(a, b);
  const longest = Math.max(0.001, ...rows.flatMap((row) => [row.a?.seconds ?? 0, row.b?.seconds ?? 0]));
  const totals = { a: totalsOf(rows, "a"), b: totalsOf(rows, "b") };
  const columns: Column<StageRow>[] = [
    { name: t.stage, phone: "title", cell: (row) => nameIn(stageNames, a, row) },
    { name: t.first, cell: ({ a: side }) => <Took longest={longest} side={side} /> },
    { name: t.second, cell: ({ b: side }) => <Took longest={longest} side={side} /> },
    {
      name: t.difference,
      end: true,
      cell: (row) => <Difference from={row.a?.seconds} to={row.b?.seconds} />,
    },
    { name: t.output, cell: (row) => <Outputs row={row} /> },
  ];
  const sums: readonly (readonly [string, string, string])[] = [
    [t.total, formatDuration(totals.a.seconds, lang), formatDuration(totals.b.seconds, lang)],
    [t.tokens, formatNumber(totals.a.tokens, lang), formatNumber(totals.b.tokens, lang)],
    [t.cost, costText(totals.a.costUsd, lang), costText(totals.b.costUsd, lang)],
  ];
  return (
    <div className="grid grid-cols-1 gap-3">
      <dl className="grid grid-cols-1 gap-3 sm:grid-cols-3">
        {sums.map(([name, one, other]) => (
          <div className="rounded-xl border border-line bg-surface px-4 py-3" key={name}>
            <dt className="text-ink-2 text-sm">{name}</dt>
            <dd className="tabular font-semibold text-lg">
              {one} <span className="font-normal text-ink-3">→</span> {other}
            </dd>
          </div>
        ))}
      </dl>
      <DataTable columns={columns} keyOf={({ stage }) => stage} label={t.stages} rows={rows} />
    </div>
  );
}

function costText(usd: number | undefined, lang: ReturnType<typeof useLang>): string {
  return usd === undefined ? "–" : formatCost(usd, lang);
}

function nameIn(stageNames: StageNames, { pipeline }: Project, { stage, name }: StageRow): string {
  return stageNames(pipeline, stage, name);
}

/** The seconds of a stage, as a bar on the scale of both builds, and how it stands where it is not done. */
function Took({ side, longest }: { side: Side | undefined; longest: number }) {
  const t = useMessages(messages);
  const lang = useLang();
  if (side === undefined) return <span className="text-ink-3">{t.absent}</span>;
  const { seconds, status, attempts } = side;
  return (
    <span className="grid gap-1">
      <span className="tabular inline-flex flex-wrap items-center gap-x-2">
        {seconds === undefined ? "–" : formatDuration(seconds, lang)}
        {status !== "completed" && <StatusBadge plain status={status} />}
        {attempts > 1 && <span className="text-ink-3 text-xs">{t.attempts(attempts)}</span>}
      </span>
      <span
        aria-hidden
        className="block h-1.5 min-w-px rounded-full bg-info max-md:hidden"
        style={{ width: `${((seconds ?? 0) / longest) * 100}%` }}
      />
    </span>
  );
}

function Difference({ from, to }: { from: number | undefined; to: number | undefined }) {
  const lang = useLang();
  if (from === undefined || to === undefined) return "–";
  const by = to - from;
  if (Math.abs(by) < 0.05) return <span className="text-ink-3">±0</span>;
  return (
    <span className={cn("tabular", by > 0 ? "text-warn" : "text-good")}>
      {by > 0 ? "+" : "−"}
      {formatDuration(Math.abs(by), lang)}
    </span>
  );
}

/** Whether both gave the same; else both, to be opened. Of a stage that one build alone has there is nothing to compare. */
function Outputs({ row: { a, b } }: { row: StageRow }) {
  const t = useMessages(messages);
  const [one, other] = [a?.output ?? "", b?.output ?? ""];
  if (one === "" && other === "") return <span className="text-ink-3">{t.noOutput}</span>;
  if (one === other) return <span className="text-ink-3">{t.same}</span>;
  const word = a === undefined ? t.added : b === undefined ? t.removed : t.differs;
  return (
    <details className="max-w-xl text-left">
      <summary className={cn("cursor-pointer max-sm:min-h-11", a && b ? "text-warn" : "text-info")}>
        {word}
      </summary>
      <div className="mt-2 grid gap-2 lg:grid-cols-2">
        {[a, b].map(
          (side, i) =>
            side && (
              <pre
                className="max-h-64 overflow-auto whitespace-pre-wrap rounded-lg bg-sunken p-2 font-mono text-xs [overflow-wrap:anywhere]"
                // biome-ignore lint/suspicious/noArrayIndexKey: the first build and the second
                key={i}
                // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
                tabIndex={0}
              >
                {side.output || "–"}
              </pre>
            ),
        )}
      </div>
    </details>
  );
}

function Files({ a, b }: Both) {
  const t = useMessages(messages);
  const lang = useLang();
  const rows = fileRows(useArtifacts(a).artifacts, useArtifacts(b).artifacts);
  const unlike = rows.filter(({ change }) => change !== "same");
  const same = rows.length - unlike.length;
  const link = (file: Artifact | undefined) =>
    file && (
      <a className="target tabular text-accent hover:underline" href={artifactUrl(file)}>
        {file.size === undefined ? file.stage : formatBytes(file.size, lang)}
      </a>
    );
  const columns: Column<FileRow<Artifact>>[] = [
    { name: t.files, phone: "title", cell: ({ path }) => <span className="font-mono text-xs">{path}</span> },
    {
      name: t.difference,
      cell: ({ change }) =>
        change !== "same" && (
          <span className={change === "changed" ? "text-warn" : "text-info"}>{t[change]}</span>
        ),
    },
    { name: t.first, end: true, cell: (row) => link(row.a) },
    { name: t.second, end: true, cell: (row) => link(row.b) },
  ];
  if (rows.length === 0) return <p className="text-ink-2 text-sm">{t.noFiles}</p>;
  return (
    <div className="grid grid-cols-1 gap-2">
      {unlike.length > 0 && (
        <DataTable columns={columns} keyOf={({ path }) => path} label={t.files} rows={unlike} />
      )}
      {same > 0 && <p className="text-ink-3 text-sm">{t.sameFiles(same)}</p>}
    </div>
  );
}
