import { useMemo } from "react";
import { useMessages } from "../../i18n/lang.ts";
import { FileRows } from "./file-rows.tsx";
import { messages as artifactMessages } from "./messages.ts";
import type { Artifact } from "./model/artifact.ts";
import { filesOf } from "./model/tree.ts";

/** What one stage made; a file opens among all of the build. */
export function StageArtifacts({
  artifacts,
  onChoose,
}: {
  artifacts: readonly Artifact[];
  onChoose: (artifact: Artifact) => void;
}) {
  const t = useMessages(artifactMessages);
  const entries = useMemo(() => filesOf(artifacts), [artifacts]);
  if (artifacts.length === 0) return <p className="py-4 text-ink-2">{t.none}</p>;
  return (
    <FileRows
      chosen={undefined}
      className="max-h-96 max-w-3xl"
      entries={entries}
      flat
      label={t.artifacts}
      onChoose={onChoose}
    />
  );
}
