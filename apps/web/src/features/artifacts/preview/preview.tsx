import { ArrowLeft, Download, GitCompare } from "lucide-react";
import { useState } from "react";
import { CopyButton } from "../../../components/copy-button.tsx";
import { RelativeTime } from "../../../components/relative-time.tsx";
import { Button, buttonClass } from "../../../components/ui/button.tsx";
import { useLang, useMessages } from "../../../i18n/lang.ts";
import { formatBytes } from "../../../lib/format.ts";
import { messages } from "../messages.ts";
import { type Artifact, artifactUrl, nameOf } from "../model/artifact.ts";
import { Compare } from "./compare.tsx";
import { Content, Note } from "./content.tsx";
import { useIsElsewhere } from "./use-bytes.ts";

export interface PreviewProps {
  artifact: Artifact;
  stageName: string;
  /** On a phone there is room for the file or for the list. */
  onBack: () => void;
}

/** One artifact: what it is, what is in it, and how it differs from an earlier attempt's. */
export function Preview({ artifact, stageName, onBack }: PreviewProps) {
  const t = useMessages(messages);
  const [comparing, setComparing] = useState(false);
  const elsewhere = useIsElsewhere(artifact);
  return (
    <article aria-label={artifact.path} className="min-w-0" data-testid="preview">
      <header className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 border-line border-b px-4 py-2.5">
        <div className="min-w-0">
          <button
            className="-mt-2 inline-flex min-h-11 items-center gap-1 text-accent text-sm hover:underline md:hidden"
            onClick={onBack}
            type="button"
          >
            <ArrowLeft aria-hidden className="size-4" />
            {t.allFiles}
          </button>
          <h2 className="font-medium font-mono text-sm [overflow-wrap:anywhere]">{artifact.path}</h2>
          <About artifact={artifact} stageName={stageName} />
        </div>
        <div className="flex items-center gap-1">
          {artifact.attempt > 1 && (
            <Button aria-pressed={comparing} onClick={() => setComparing(!comparing)} size="small">
              <GitCompare aria-hidden className="size-4" />
              {comparing ? t.compareOff : t.compare}
            </Button>
          )}
          <CopyButton inside label={t.copyPath} text={artifact.path} />
          {elsewhere === false && (
            <a
              className={buttonClass({ size: "small" })}
              download={nameOf(artifact.path)}
              href={artifactUrl(artifact)}
            >
              <Download aria-hidden className="size-4" />
              {t.download}
            </a>
          )}
        </div>
      </header>
      {comparing && <Compare artifact={artifact} />}
      {!comparing && elsewhere && <Note>{t.keptElsewhere}</Note>}
      {!comparing && elsewhere === false && <Content artifact={artifact} />}
    </article>
  );
}

function About({ artifact, stageName }: { artifact: Artifact; stageName: string }) {
  const t = useMessages(messages);
  const lang = useLang();
  const { size, sha256, media_type, created_at, attempt } = artifact;
  return (
    <p className="mt-0.5 flex flex-wrap gap-x-2 text-ink-3 text-xs">
      <span>{size === undefined ? t.unknownSize : formatBytes(size, lang)}</span>
      {media_type !== undefined && <span>{media_type}</span>}
      <span>{t.madeBy(stageName, attempt)}</span>
      {created_at !== undefined && <RelativeTime at={created_at} />}
      {sha256 !== undefined && (
        <span className="font-mono" title={`SHA-256 ${sha256}`}>
          {sha256.slice(0, 12)}
        </span>
      )}
    </p>
  );
}
