import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Button, buttonClass } from "../../components/ui/button.tsx";
import { Confirm } from "../../components/ui/dialog.tsx";
import { useMessages } from "../../i18n/lang.ts";
import type { ProjectSummary } from "../../lib/api.ts";
import { ActionBar } from "./action-bar.tsx";
import { type BulkAction, needsQuestion, possible, useBulk } from "./bulk.ts";
import { bulkMessages } from "./bulk-messages.ts";

export interface SelectionBarProps {
  builds: readonly ProjectSummary[];
  onClear: () => void;
  /** Selects those too that match the filters and have not been read; undefined where there are none. */
  onSelectMatching: (() => void) | undefined;
}

/** What can be done to all selected builds. */
export function SelectionBar({ builds, onClear, onSelectMatching }: SelectionBarProps) {
  const t = useMessages(bulkMessages);
  const [question, setQuestion] = useState<"cancel" | "delete">();
  const bulk = useBulk(onClear);
  const begin = (action: BulkAction) => {
    if (needsQuestion(action)) setQuestion(action);
    else bulk.run(action, possible(action, builds));
  };
  return (
    <>
      <ActionBar
        countOf={(action) => possible(action, builds).length}
        disabled={bulk.running}
        label={t.selected(builds.length)}
        of={builds.length}
        onAction={begin}
        onClear={onClear}
      >
        {builds.length === 2 && (
          <Link
            className={buttonClass()}
            // The older one is what the newer is held against.
            search={{ a: builds[1]?.project_id, b: builds[0]?.project_id }}
            to="/compare"
          >
            {t.compare}
          </Link>
        )}
        {onSelectMatching && <Button onClick={onSelectMatching}>{t.selectMatching}</Button>}
      </ActionBar>
      <Question
        action={question}
        builds={question ? possible(question, builds) : []}
        onClose={() => setQuestion(undefined)}
        onConfirm={(action, which) => bulk.run(action, which)}
      />
    </>
  );
}

interface QuestionProps {
  action: "cancel" | "delete" | undefined;
  builds: readonly ProjectSummary[];
  onClose: () => void;
  onConfirm: (action: "cancel" | "delete", builds: readonly ProjectSummary[]) => void;
}

const NAMED = 5;

function Question({ action, builds, onClose, onConfirm }: QuestionProps) {
  const t = useMessages(bulkMessages);
  const n = builds.length;
  const isDelete = action === "delete";
  return (
    <Confirm
      action={isDelete ? t.deleteN(n) : t.cancelN(n)}
      description={
        <>
          <p>{isDelete ? t.confirmDeleteText : t.confirmCancelText}</p>
          <ul className="mt-3 list-disc pl-5 text-sm">
            {builds.slice(0, NAMED).map(({ project_id, project_name }) => (
              <li className="truncate" key={project_id}>
                {project_name}
              </li>
            ))}
            {n > NAMED && <li>{t.andMore(n - NAMED)}</li>}
          </ul>
        </>
      }
      onConfirm={() => action && onConfirm(action, builds)}
      onOpenChange={(open) => !open && onClose()}
      open={action !== undefined}
      title={isDelete ? t.confirmDelete(n) : t.confirmCancel(n)}
    />
  );
}
