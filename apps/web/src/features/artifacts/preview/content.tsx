import { type ReactNode, useMemo, useState } from "react";
import { ErrorState } from "../../../components/ui/error-state.tsx";
import { Skeleton } from "../../../components/ui/skeleton.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { codeOf } from "../../../lib/errors.ts";
import { formatBytes } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import { type Artifact, artifactUrl } from "../model/artifact.ts";
import { type Drawn, type Language, previewOf, textOf } from "../model/preview.ts";
import { Code } from "./code.tsx";
import { DrawnText } from "./drawn-text.tsx";
import { MAX_SHOWN_BYTES, useBytes } from "./use-bytes.ts";

/** What is in an artifact, as far as it can be shown. Nothing of it ever becomes part of the page. */
export function Content({ artifact }: { artifact: Artifact }) {
  const t = useMessages(messages);
  const lang = useLang();
  const preview = previewOf(artifact);
  const { size } = artifact;
  if (preview.kind === "binary") return <Note>{t.binary}</Note>;
  if (size !== undefined && size > MAX_SHOWN_BYTES) return <Note>{t.tooLarge(formatBytes(size, lang))}</Note>;
  if (preview.kind === "image") return <Picture artifact={artifact} />;
  return <Text artifact={artifact} drawn={preview.drawn} language={preview.language} />;
}

interface TextProps {
  artifact: Artifact;
  language: Language | undefined;
  drawn: Drawn | undefined;
}

function Text({ artifact, language, drawn }: TextProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const { data, error, refetch } = useBytes(artifact, artifact.sha256);
  const text = useMemo(() => data && textOf(data), [data]);
  if (codeOf(error) === "ARTIFACT_NOT_FOUND") return <Note>{t.keptElsewhere}</Note>;
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  if (data.length > MAX_SHOWN_BYTES) return <Note>{t.tooLarge(formatBytes(data.length, lang))}</Note>;
  if (text === undefined) return <Note>{t.binary}</Note>;
  if (drawn === undefined || text === "") return <Code language={language} text={text} />;
  return <DrawnText drawn={drawn} language={language} name={artifact.path} text={text} />;
}

function Picture({ artifact }: { artifact: Artifact }) {
  const t = useMessages(messages);
  const [broken, setBroken] = useState(false);
  if (broken) return <Note>{t.badImage}</Note>;
  return (
    <div className="grid place-items-center bg-sunken p-4">
      <img
        alt={artifact.path}
        className="max-h-[65dvh] max-w-full object-contain"
        onError={() => setBroken(true)}
        src={artifactUrl(artifact)}
      />
    </div>
  );
}

export function Note({ children }: { children: ReactNode }) {
  return <p className="p-6 text-ink-2">{children}</p>;
}

export function Loading() {
  return (
    <div className="grid gap-2.5 p-4">
      {["w-1/2", "w-2/3", "w-1/3", "w-3/5", "w-2/5"].map((width) => (
        <Skeleton className={`h-3.5 ${width}`} key={width} />
      ))}
    </div>
  );
}
