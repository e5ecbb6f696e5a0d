import type { HistoryEntry } from "@stagefold/core";
import { lazy, Suspense } from "react";
import { Select } from "../../../components/ui/field.tsx";
import { Skeleton } from "../../../components/ui/skeleton.tsx";
import { statusNames } from "../../../i18n/common.ts";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import type { Project, Stage } from "../../../lib/api.ts";
import { messages } from "../messages.ts";

const LogPanel = lazy(() => import("../log/log-panel.tsx").then((module) => ({ default: module.LogPanel })));

export interface StageLogProps {
  project: Project;
  stage: Stage;
  attempts: readonly HistoryEntry[];
  /** The chosen attempt; the present one while there is none. */
  chosen: number | undefined;
  onChoose: (attempt: number | undefined) => void;
  /** The lines that the address names. */
  line: string | undefined;
  onLine: (line: string | undefined) => void;
}

/** The log of a stage's attempt; without a choice it moves on to each new one. */
export function StageLog({ project, stage, attempts, chosen, onChoose, line, onLine }: StageLogProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const attempt = Math.min(chosen ?? stage.attempt, stage.attempt);
  if (stage.attempt === 0) return <p className="py-4 text-ink-2">{t.notBegun}</p>;
  const status = attempts.find((one) => one.attempt === attempt)?.status ?? stage.status;
  return (
    <Suspense
      fallback={
        <Skeleton className="h-[31rem] max-h-[75dvh] in-data-full:max-h-none in-data-full:flex-1 rounded-lg" />
      }
    >
      <LogPanel
        attempt={attempt}
        fileName={`${project.project_name}-${stage.stage}-${attempt}`}
        fromEnd={status === "running" || status === "failed"}
        key={`${stage.stage} ${attempt}`}
        line={line}
        onLine={onLine}
        projectId={project.project_id}
        stage={stage.stage}
      >
        {stage.attempt > 1 && (
          <Select
            aria-label={t.chooseAttempt}
            className="h-7! w-auto! text-sm! max-sm:h-11!"
            onChange={(event) => {
              const next = Number(event.target.value);
              onChoose(next === stage.attempt ? undefined : next);
            }}
            value={attempt}
          >
            {Array.from({ length: stage.attempt }, (_, i) => stage.attempt - i).map((number) => (
              <option key={number} value={number}>
                {t.attempt(number)}
                {statusOf(attempts, number, lang)}
              </option>
            ))}
          </Select>
        )}
      </LogPanel>
    </Suspense>
  );
}

function statusOf(attempts: readonly HistoryEntry[], number: number, lang: keyof typeof statusNames): string {
  const status = attempts.find(({ attempt }) => attempt === number)?.status;
  return status === undefined ? "" : ` · ${statusNames[lang][status]}`;
}
