import { FileDown, Files, FolderTree, List } from "lucide-react";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { TextInput } from "../../components/ui/field.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { Tooltip } from "../../components/ui/tooltip.tsx";
import { useLang, useMessages } from "../../i18n/lang.ts";
import type { Project } from "../../lib/api.ts";
import { cn } from "../../lib/cn.ts";
import { formatNumber } from "../../lib/format.ts";
import { isOneOf } from "../../lib/one-of.ts";
import { preference, usePreference } from "../../lib/preference.ts";
import { FileRows } from "./file-rows.tsx";
import { messages } from "./messages.ts";
import { type Artifact, keyOf } from "./model/artifact.ts";
import { filesOf, matching, pathsOfSeveral, treeOf } from "./model/tree.ts";
import { useArtifacts } from "./use-artifacts.ts";
import { useDownloadAll } from "./use-download-all.ts";

const Preview = lazy(() => import("./preview/preview.tsx").then((module) => ({ default: module.Preview })));

const shape = preference("artifacts.shape", isOneOf(["tree", "list"]), () => "tree");

export interface ArtifactsViewProps {
  project: Project;
  /** What a stage is called, by its key. */
  stageName: (stage: string) => string;
  /** The path that is looked at, and the stage that made it. */
  file: string | undefined;
  from: string | undefined;
  onChoose: (artifact: Artifact | undefined) => void;
}

/** Every file of a build, beside the one that is looked at. */
export function ArtifactsView({ project, stageName, file, from, onChoose }: ArtifactsViewProps) {
  const t = useMessages(messages);
  const { artifacts, error, loading } = useArtifacts(project);
  const chosen = artifacts.findLast(
    ({ path, stage }) => path === file && (from === undefined || stage === from),
  );
  if (error !== undefined) return <ErrorState error={error} />;
  if (artifacts.length === 0 && !loading)
    return (
      <EmptyState icon={Files} title={t.none}>
        <p>{t.noneText}</p>
      </EmptyState>
    );
  return (
    <div className="grid grid-cols-1 rounded-xl border border-line bg-surface md:grid-cols-[minmax(15rem,20rem)_minmax(0,1fr)]">
      <div className={cn("min-w-0 border-line md:border-r", file !== undefined && "max-md:hidden")}>
        <FileList
          artifacts={artifacts}
          chosen={chosen}
          name={project.project_name}
          onChoose={onChoose}
          stageName={stageName}
        />
      </div>
      <div className={cn("min-w-0", file === undefined && "max-md:hidden")}>
        {chosen ? (
          <Suspense fallback={<Skeleton className="m-4 h-40" />}>
            <Preview
              artifact={chosen}
              key={keyOf(chosen)}
              onBack={() => onChoose(undefined)}
              stageName={stageName(chosen.stage)}
            />
          </Suspense>
        ) : (
          <NothingChosen gone={file !== undefined && !loading} onBack={() => onChoose(undefined)} />
        )}
      </div>
    </div>
  );
}

function NothingChosen({ gone, onBack }: { gone: boolean; onBack: () => void }) {
  const t = useMessages(messages);
  if (!gone) return <p className="grid h-full min-h-40 place-items-center p-6 text-ink-2">{t.choose}</p>;
  return (
    <EmptyState action={<Button onClick={onBack}>{t.allFiles}</Button>} icon={Files} title={t.gone}>
      <p>{t.goneText}</p>
    </EmptyState>
  );
}

interface FilesProps {
  artifacts: readonly Artifact[];
  chosen: Artifact | undefined;
  name: string;
  onChoose: (artifact: Artifact) => void;
  stageName: (stage: string) => string;
}

function FileList({ artifacts, chosen, name, onChoose, stageName }: FilesProps) {
  const t = useMessages(messages);
  const lang = useLang();
  const [text, setText] = useState("");
  const found = useMemo(() => matching(artifacts, text), [artifacts, text]);
  const asTree = usePreference(shape) === "tree";
  const [reshaped, setReshaped] = useState(false);
  const reshape = (next: "tree" | "list") => {
    shape.set(next);
    setReshaped(true);
  };
  const entries = useMemo(() => (asTree ? treeOf(found) : filesOf(found)), [asTree, found]);
  const twice = useMemo(() => pathsOfSeveral(artifacts), [artifacts]);
  return (
    <>
      <div className="grid grid-cols-1 gap-2 border-line border-b p-2">
        <TextInput
          aria-label={t.find}
          onChange={(event) => setText(event.target.value)}
          placeholder={t.find}
          type="search"
          value={text}
        />
        <div className="flex items-center gap-1">
          <span className="mr-auto pl-1 text-ink-2 text-xs" role="status">
            {found.length === 1 ? t.oneFile : t.count(formatNumber(found.length, lang))}
          </span>
          <ShapeButton label={t.tree} on={asTree} onClick={() => reshape("tree")}>
            <FolderTree aria-hidden className="size-4" />
          </ShapeButton>
          <ShapeButton label={t.list} on={!asTree} onClick={() => reshape("list")}>
            <List aria-hidden className="size-4" />
          </ShapeButton>
          <DownloadAll artifacts={artifacts} name={name} />
        </div>
      </div>
      {found.length === 0 && <p className="p-4 text-ink-2 text-sm">{t.noMatch}</p>}
      <FileRows
        chosen={chosen}
        className="m-1 max-h-[65dvh]"
        entries={entries}
        flat={!asTree}
        hintOf={({ path, stage }) => (twice.has(path) ? stageName(stage) : undefined)}
        // Another shape begins at its top.
        key={asTree ? "tree" : "list"}
        label={t.artifacts}
        onChoose={onChoose}
        reveals={!reshaped}
      />
    </>
  );
}

function DownloadAll({ artifacts, name }: { artifacts: readonly Artifact[]; name: string }) {
  const t = useMessages(messages);
  const { done, start } = useDownloadAll(artifacts, name);
  return (
    <Button disabled={done !== undefined} focusableWhenDisabled onClick={() => void start()} size="small">
      <FileDown aria-hidden className="size-4" />
      {done === undefined ? t.downloadAll : t.packing(done, artifacts.length)}
    </Button>
  );
}

interface ShapeButtonProps {
  label: string;
  on: boolean;
  onClick: () => void;
  children: ReactNode;
}

function ShapeButton({ label, on, onClick, children }: ShapeButtonProps) {
  return (
    <Tooltip content={label}>
      <Button
        aria-label={label}
        aria-pressed={on}
        className={cn(on && "bg-selected text-accent")}
        look="ghost"
        onClick={onClick}
        size="inside"
      >
        {children}
      </Button>
    </Tooltip>
  );
}
