import { Link } from "@tanstack/react-router";
import {
  ArrowLeftRight,
  Ban,
  Braces,
  Copy,
  Ellipsis,
  Pause,
  Play,
  RotateCcw,
  Terminal,
  Trash2,
  Workflow,
} from "lucide-react";
import { useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { Confirm } from "../../../components/ui/dialog.tsx";
import { Menu, MenuItem, MenuLink, MenuSeparator } from "../../../components/ui/menu.tsx";
import { toast } from "../../../components/ui/toast.ts";
import { common } from "../../../i18n/common.ts";
import { useMessages } from "../../../i18n/lang.ts";
import type { Project } from "../../../lib/api.ts";
import { BASE } from "../../../lib/base.ts";
import { messages } from "../messages.ts";
import { isPossible } from "../model/controls.ts";
import type { BuildControl } from "../use-control.ts";
import { Details } from "./details.tsx";
import { RetryPipeline } from "./retry-pipeline.tsx";

/** The buttons of a build. What ends or removes something asks first. */
export function Controls({ project, control }: { project: Project; control: BuildControl }) {
  const t = useMessages(messages);
  const c = useMessages(common);
  const [asks, setAsks] = useState<"cancel" | "delete">();
  const { project_id } = project;
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      toast.say(c.copied, text);
    } catch {
      // A page over plain HTTP from another machine has no clipboard.
      toast.fail(c.notCopied);
    }
  };
  const raw = `${BASE}/v1/projects/${project_id}`;
  return (
    <div className="flex flex-wrap items-center gap-2 sm:ml-auto">
      {isPossible("pause", project) && (
        <Button disabled={control.busy} focusableWhenDisabled onClick={control.pause}>
          <Pause aria-hidden className="size-4" />
          {c.pause}
        </Button>
      )}
      {isPossible("resume", project) && (
        <Button disabled={control.busy} focusableWhenDisabled look="primary" onClick={control.resume}>
          <Play aria-hidden className="size-4" />
          {c.resume}
        </Button>
      )}
      {isPossible("retry", project) && (
        <Button disabled={control.busy} focusableWhenDisabled look="primary" onClick={() => control.retry()}>
          <RotateCcw aria-hidden className="size-4" />
          {c.retry}
        </Button>
      )}
      {isPossible("cancel", project) && (
        <Button disabled={control.busy} focusableWhenDisabled onClick={() => setAsks("cancel")}>
          <Ban aria-hidden className="size-4" />
          {c.cancel}
        </Button>
      )}
      <Details project={project} />
      <Menu
        trigger={
          <Button aria-label={t.moreActions} look="ghost" size="icon">
            <Ellipsis aria-hidden className="size-4" />
          </Button>
        }
      >
        {isPossible("retry", project) && (
          <MenuItem onClick={() => control.ask()}>
            <Workflow aria-hidden className="size-4" />
            {t.retryWith}
          </MenuItem>
        )}
        <MenuLink render={<Link search={{ b: project_id }} to="/compare" />}>
          <ArrowLeftRight aria-hidden className="size-4" />
          {t.compareBuild}
        </MenuLink>
        <MenuSeparator />
        <MenuItem onClick={() => void copy(project_id)}>
          <Copy aria-hidden className="size-4" />
          {t.copyId}
        </MenuItem>
        <MenuItem onClick={() => void copy(`curl ${location.origin}${raw}`)}>
          <Copy aria-hidden className="size-4" />
          {t.copyCurl}
        </MenuItem>
        <MenuItem onClick={() => void copy(`stagefold show ${project_id}`)}>
          <Terminal aria-hidden className="size-4" />
          {t.copyAsCommand}
        </MenuItem>
        <MenuLink render={<a href={raw} rel="noreferrer" target="_blank" />}>
          <Braces aria-hidden className="size-4" />
          {t.raw}
        </MenuLink>
        <MenuSeparator />
        <MenuItem danger onClick={() => setAsks("delete")}>
          <Trash2 aria-hidden className="size-4" />
          {c.delete}
        </MenuItem>
      </Menu>
      <Confirm
        action={c.cancelBuild}
        description={t.cancelText}
        onConfirm={control.cancel}
        onOpenChange={(open) => setAsks(open ? "cancel" : undefined)}
        open={asks === "cancel"}
        title={t.cancelTitle}
      />
      <Confirm
        action={c.delete}
        description={t.deleteText}
        onConfirm={control.remove}
        onOpenChange={(open) => setAsks(open ? "delete" : undefined)}
        open={asks === "delete"}
        title={t.deleteTitle}
      />
      <RetryPipeline control={control} project={project} />
    </div>
  );
}
