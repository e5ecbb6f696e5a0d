import { useMemo } from "react";
import { JsonTree } from "../../../components/json-tree.tsx";
import { ErrorState } from "../../../components/ui/error-state.tsx";
import { Skeleton } from "../../../components/ui/skeleton.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import type { Stage } from "../../../lib/api.ts";
import { artifactUrl, textOf, useBytes } from "../../artifacts/index.ts";
import { messages } from "../messages.ts";

/** What a stage returned, besides its artifacts. */
export function Output({ projectId, stage }: { projectId: string; stage: Stage }) {
  const t = useMessages(messages);
  const { artifacts: _a, artifact_info: _i, artifact_count: _c, ...own } = stage.output_data;
  if (stage.output_ref !== undefined)
    return <Elsewhere path={stage.output_ref} projectId={projectId} stage={stage} />;
  if (Object.keys(own).length > 0) return <JsonTree value={own} />;
  return <p className="py-4 text-ink-2">{stage.status === "completed" ? t.noOutput : t.noOutputYet}</p>;
}

/** An output that was too large for the item. */
function Elsewhere({ projectId, stage, path }: { projectId: string; stage: Stage; path: string }) {
  const t = useMessages(messages);
  const address = { project_id: projectId, stage: stage.stage, attempt: stage.attempt, path };
  const { data, error, refetch } = useBytes(address, stage.output_data.artifact_info[path]?.sha256);
  const value = useMemo(() => data && parsed(textOf(data)), [data]);
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  return (
    <div className="grid grid-cols-1 gap-2">
      <p className="text-ink-2 text-sm">
        {t.outputElsewhere}{" "}
        <a className="font-mono text-accent text-xs hover:underline" download href={artifactUrl(address)}>
          {path}
        </a>
      </p>
      {data === undefined ? <Skeleton className="h-40" /> : <JsonTree value={value} />}
    </div>
  );
}

/** JSON, or the text itself where it is none. */
function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
