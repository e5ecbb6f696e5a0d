import { useMessages } from "../../../i18n/lang.ts";
import { FileRow } from "../../artifacts/file-tree.tsx";
import { messages as artifactMessages } from "../../artifacts/messages.ts";
import { type Artifact, keyOf } from "../../artifacts/model/artifact.ts";

/** What one stage made; a file opens among all of the build. */
export function StageArtifacts({
  artifacts,
  onChoose,
}: {
  artifacts: readonly Artifact[];
  onChoose: (artifact: Artifact) => void;
}) {
  const t = useMessages(artifactMessages);
  if (artifacts.length === 0) return <p className="py-4 text-ink-2">{t.none}</p>;
  return (
    <ul aria-label={t.artifacts} className="max-h-96 max-w-3xl overflow-y-auto">
      {artifacts.map((artifact) => (
        <li key={keyOf(artifact)}>
          <FileRow artifact={artifact} chosen={undefined} name={artifact.path} onChoose={onChoose} />
        </li>
      ))}
    </ul>
  );
}
