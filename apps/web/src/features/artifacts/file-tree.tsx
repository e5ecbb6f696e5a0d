import { ChevronRight, File as FileIcon, Folder as FolderIcon } from "lucide-react";
import { useId, useState } from "react";
import { useLang } from "../../i18n/lang.ts";
import { cn } from "../../lib/cn.ts";
import { formatBytes, formatNumber } from "../../lib/format.ts";
import { type Artifact, keyOf } from "./model/artifact.ts";
import type { Entry, Folder } from "./model/tree.ts";

const ROW = "flex w-full min-w-0 items-center gap-1.5 rounded-md px-2 py-1 text-left text-sm hover:bg-hover";

interface ChoiceProps {
  chosen: Artifact | undefined;
  onChoose: (artifact: Artifact) => void;
  /** What tells an artifact from others of the same path. */
  hintOf?: ((artifact: Artifact) => string | undefined) | undefined;
}

/** Folders that open and close, and their files. */
export function FileTree({ entries, ...choice }: ChoiceProps & { entries: readonly Entry[] }) {
  return (
    <ul>
      {entries.map((entry) => (
        <li key={entry.kind === "folder" ? `${entry.path}/` : keyOf(entry.artifact)}>
          {entry.kind === "folder" ? (
            <FolderRow folder={entry} {...choice} />
          ) : (
            <FileRow artifact={entry.artifact} name={entry.name} {...choice} />
          )}
        </li>
      ))}
    </ul>
  );
}

/** So many files of a folder are shown without being asked for. */
const FEW = 200;

function FolderRow({ folder, ...choice }: ChoiceProps & { folder: Folder }) {
  const lang = useLang();
  const [open, setOpen] = useState(folder.files <= FEW);
  const id = useId();
  return (
    <>
      <button
        aria-controls={id}
        aria-expanded={open}
        className={ROW}
        onClick={() => setOpen(!open)}
        type="button"
      >
        <ChevronRight
          aria-hidden
          className={cn("size-3.5 shrink-0 text-ink-3 transition-transform", open && "rotate-90")}
        />
        <FolderIcon aria-hidden className="size-4 shrink-0 text-ink-3" />
        <span className="min-w-0 truncate" title={folder.path}>
          {folder.name}
        </span>
        <span className="tabular ml-auto shrink-0 text-ink-3 text-xs">
          {formatNumber(folder.files, lang)}
        </span>
      </button>
      <div className="ml-3.5 border-line border-l pl-1" hidden={!open} id={id}>
        {open && <FileTree entries={folder.children} {...choice} />}
      </div>
    </>
  );
}

/** `name` is what is shown of the path. */
export function FileRow(props: ChoiceProps & { artifact: Artifact; name: string }) {
  const { artifact, name, chosen, onChoose, hintOf } = props;
  const lang = useLang();
  const hint = hintOf?.(artifact);
  const here = chosen !== undefined && keyOf(chosen) === keyOf(artifact);
  return (
    <button
      aria-current={here ? "true" : undefined}
      className={cn(ROW, here && "bg-selected")}
      onClick={() => onChoose(artifact)}
      title={artifact.path}
      type="button"
    >
      <FileIcon aria-hidden className="size-4 shrink-0 text-ink-3" />
      <span className="min-w-0 truncate">{name}</span>
      {hint !== undefined && <span className="min-w-0 shrink-2 truncate text-ink-3 text-xs">{hint}</span>}
      <span className="tabular ml-auto shrink-0 text-ink-3 text-xs">
        {artifact.size !== undefined && formatBytes(artifact.size, lang)}
      </span>
    </button>
  );
}
