import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import {
  Bot,
  CircleAlert,
  CircleCheck,
  CircleX,
  FileDown,
  FileText,
  RefreshCw,
  Repeat2,
  Wrench,
} from "lucide-react";
import type { ReactNode } from "react";
import { CopyButton } from "../../../components/copy-button.tsx";
import { Markdown } from "../../../components/markdown/lazy-markdown.tsx";
import { Button, buttonClass } from "../../../components/ui/button.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { type Agent, agentQuery, type Project, useApi } from "../../../lib/api.ts";
import { cn } from "../../../lib/cn.ts";
import { formatCompact, formatCost, formatDuration, formatNumber } from "../../../lib/format.ts";
import { type Artifact, useDownloadAll } from "../../artifacts/index.ts";
import { TalkButton } from "../../talk/index.ts";
import { messages } from "../messages.ts";
import { type BuildResult, resultOf } from "../model/result.ts";
import type { BuildSearch } from "../search.ts";

export interface ResultCardProps {
  project: Project;
  artifacts: readonly Artifact[];
  onShow: (stage: string, more?: Partial<BuildSearch>) => void;
}

/** A completed build begins with its end: what was made, what of the wishes is not in it, and what to do with it. */
export function ResultCard({ project, artifacts, onShow }: ResultCardProps) {
  const t = useMessages(messages);
  const result = resultOf(project);
  const agent = useAgentOf(project, result?.command !== undefined);
  if (!result) return null;
  return (
    <section
      aria-label={t.result}
      className="grid grid-cols-1 gap-4 rounded-xl border border-line bg-surface p-4 sm:p-5"
      data-testid="result"
    >
      {agent && (
        <Link
          className="target inline-flex items-center gap-2 justify-self-start font-semibold hover:underline"
          params={{ agentId: agent.agent_id }}
          to="/agents/$agentId"
        >
          <Bot aria-hidden className="size-4 shrink-0 text-ink-3" />
          <span className="[overflow-wrap:anywhere]">{agent.title}</span>
        </Link>
      )}
      {result.purpose !== undefined && result.purpose !== project.requirement && (
        <p className="text-lg [overflow-wrap:anywhere]">{result.purpose}</p>
      )}
      <Unmet onShow={onShow} result={result} />
      <Tools result={result} />
      {result.summary !== undefined && (
        <div className="max-w-3xl text-ink-2" data-testid="summary">
          <Markdown text={result.summary} />
        </div>
      )}
      {result.command !== undefined && <Command command={result.command} />}
      <MainFiles artifacts={artifacts} onShow={onShow} paths={result.main} />
      <Figures project={project} result={result} />
      <div className="flex flex-wrap gap-2">
        {agent && <TalkButton agent={agent} />}
        <Download artifacts={artifacts} isFirst={!agent} name={project.project_name} />
        <Link className={buttonClass()} search={{ from: project.project_id }} to="/new">
          <Repeat2 aria-hidden className="size-4" />
          {t.buildAgain}
        </Link>
        {agent && (
          <Link
            className={buttonClass()}
            search={{ agent_id: agent.agent_id, from: project.project_id }}
            to="/new"
          >
            <RefreshCw aria-hidden className="size-4" />
            {t.updateAgent}
          </Link>
        )}
      </div>
    </section>
  );
}

/** The agent that the build made: asked for where the build says how its agent is started. */
function useAgentOf({ agent_id = "", project_id }: Project, isMade: boolean): Agent | undefined {
  const { data } = useQuery({
    ...agentQuery(useApi(), agent_id),
    enabled: isMade && agent_id !== "",
    retry: false,
  });
  return data?.versions.some((version) => version.project_id === project_id) ? data : undefined;
}

function Unmet({ result: { unmet }, onShow }: { result: BuildResult; onShow: ResultCardProps["onShow"] }) {
  const t = useMessages(messages);
  if (unmet.total === 0) return null;
  return (
    <div
      className="flex items-start gap-2.5 rounded-lg bg-warn-soft px-3 py-2.5 text-sm text-warn"
      data-testid="unmet"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0">
        <button
          className="target text-left font-semibold hover:underline"
          onClick={() => unmet.stage !== undefined && onShow(unmet.stage, { tab: "output" })}
          type="button"
        >
          {t.unmet(unmet.total)}
        </button>
        {unmet.wishes.length > 0 && (
          <p className="text-ink [overflow-wrap:anywhere]">{unmet.wishes.join(" · ")}</p>
        )}
      </div>
    </div>
  );
}

function Tools({ result: { tools, selfTests } }: { result: BuildResult }) {
  const t = useMessages(messages);
  const lang = useLang();
  if (tools.length === 0 && !selfTests) return null;
  const passed = selfTests && selfTests.passed === selfTests.total;
  const Icon = passed ? CircleCheck : CircleX;
  return (
    <div className="flex flex-wrap items-center gap-2">
      {tools.length > 0 && (
        <ul aria-label={t.tools} className="contents">
          {tools.map((tool) => (
            <li
              className="inline-flex max-w-full items-center gap-1.5 rounded-full border border-line px-2.5 py-0.5 font-mono text-xs"
              key={tool}
            >
              <Wrench aria-hidden className="size-3 shrink-0 text-ink-3" />
              <span className="truncate">{tool}</span>
            </li>
          ))}
        </ul>
      )}
      {selfTests && (
        <span
          className={cn("inline-flex items-center gap-1.5 text-sm", passed ? "text-good" : "text-bad")}
          data-testid="self-tests"
        >
          <Icon aria-hidden className="size-4" />
          {t.selfTests(formatNumber(selfTests.passed, lang), formatNumber(selfTests.total, lang))}
        </span>
      )}
    </div>
  );
}

function Command({ command }: { command: string }) {
  const t = useMessages(messages);
  return (
    <div className="flex items-center gap-2 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3">
      <code className="min-w-0 flex-1 py-1 font-mono text-xs [overflow-wrap:anywhere]" data-testid="command">
        <span aria-hidden className="select-none text-ink-3">
          ${" "}
        </span>
        {command}
      </code>
      <CopyButton label={t.copyCommand} text={command} />
    </div>
  );
}

function MainFiles({
  paths,
  artifacts,
  onShow,
}: { paths: readonly string[] } & Omit<ResultCardProps, "project">) {
  const t = useMessages(messages);
  const files = paths.flatMap((path) => artifacts.findLast((one) => one.path === path) ?? []);
  if (files.length === 0) return null;
  return (
    <ul aria-label={t.mainFiles} className="flex flex-wrap gap-x-4 gap-y-1">
      {files.map(({ path, stage }) => (
        <li className="min-w-0" key={path}>
          <button
            className="target inline-flex max-w-full items-center gap-1.5 text-accent text-sm hover:underline"
            onClick={() => onShow(stage, { view: "artifacts", file: path, from: stage })}
            title={path}
            type="button"
          >
            <FileText aria-hidden className="size-3.5 shrink-0" />
            <span className="truncate">{path.slice(path.lastIndexOf("/") + 1)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Figures({ project, result }: { project: Project; result: BuildResult }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { build_summary: summary } = project;
  if (!summary) return null;
  const tokens = summary.input_tokens + summary.output_tokens;
  const figures: (readonly [name: string, value: ReactNode])[] = [
    ...(result.seconds > 0 ? [[t.worked, formatDuration(result.seconds, lang)] as const] : []),
    ...(tokens > 0 ? [[t.tokens, formatCompact(tokens, lang)] as const] : []),
    ...(result.costUsd > 0 ? [[t.cost, formatCost(result.costUsd, lang)] as const] : []),
    ...(summary.tool_calls > 0 ? [[t.tool_calls, formatNumber(summary.tool_calls, lang)] as const] : []),
    ...(summary.artifacts > 0 ? [[t.artifacts, formatNumber(summary.artifacts, lang)] as const] : []),
  ];
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2 border-line not-first:border-t not-first:pt-3">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt className="text-ink-3 text-xs">{name}</dt>
          <dd className="tabular font-semibold text-lg">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Download({
  artifacts,
  isFirst,
  name,
}: {
  artifacts: readonly Artifact[];
  isFirst: boolean;
  name: string;
}) {
  const t = useMessages(messages);
  const { done, start } = useDownloadAll(artifacts, name);
  if (artifacts.length === 0) return null;
  return (
    <Button
      disabled={done !== undefined}
      focusableWhenDisabled
      {...(isFirst && { look: "primary" as const })}
      onClick={() => void start()}
    >
      <FileDown aria-hidden className="size-4" />
      {done === undefined ? t.download : t.packing(done, artifacts.length)}
    </Button>
  );
}
