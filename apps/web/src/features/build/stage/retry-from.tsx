import { isFinished, withDependants } from "@stagefold/core";
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { Confirm } from "../../../components/ui/dialog.tsx";
import { common } from "../../../i18n/common.ts";
import { useMessages } from "../../../i18n/lang.ts";
import type { Project, Stage } from "../../../lib/api.ts";
import { messages } from "../messages.ts";
import { canRetryFrom } from "../model/controls.ts";
import type { StageName } from "../model/stage-name.ts";
import type { BuildControl } from "../use-control.ts";

export interface RetryFromProps {
  project: Project;
  stage: Stage;
  control: BuildControl;
  nameOf: StageName;
}

/** Runs the build again from a stage. What is finished is replaced only after a question. */
export function RetryFrom({ project, stage, control, nameOf }: RetryFromProps) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const [asks, setAsks] = useState(false);
  if (!canRetryFrom(project, stage.stage)) return null;
  const { stages } = project.stages_snapshot;
  const first = stages.flatMap((one, i) => (one.stage === stage.stage || !isFinished(one) ? [i] : []));
  const again = withDependants(stages, first).size;
  const retry = () => control.retry(stage.stage);
  return (
    <>
      <Button
        disabled={control.busy}
        focusableWhenDisabled
        onClick={() => (isFinished(stage) ? setAsks(true) : retry())}
        size="small"
      >
        <RotateCcw aria-hidden className="size-3.5" />
        {t.runAgainFrom}
      </Button>
      <Confirm
        action={c.retry}
        danger={false}
        description={t.retryText(again)}
        onConfirm={retry}
        onOpenChange={setAsks}
        open={asks}
        title={t.retryTitle(nameOf(stage))}
      />
    </>
  );
}
