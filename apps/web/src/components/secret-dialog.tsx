import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { CopyButton } from "./copy-button.tsx";
import { Button } from "./ui/button.tsx";
import { Dialog } from "./ui/dialog.tsx";

export interface SecretDialogProps {
  title: string;
  /** What it is for, and that it is not shown again. */
  text: string;
  /** Undefined while there is none to show. */
  secret: string | undefined;
  onClose: () => void;
}

/** A secret that is shown this once. */
export function SecretDialog({ title, text, secret, onClose }: SecretDialogProps) {
  const c = useMessages(common);
  return (
    <Dialog onOpenChange={(open) => !open && onClose()} open={secret !== undefined} title={title}>
      <div className="grid gap-4">
        <p className="text-ink-2">{text}</p>
        <div className="flex items-center gap-2 rounded-lg border border-line bg-sunken p-2 pl-3">
          <code className="min-w-0 flex-1 break-all font-mono text-sm" data-testid="secret">
            {secret}
          </code>
          <CopyButton label={c.copy} text={secret ?? ""} />
        </div>
        <Button className="justify-self-end" look="primary" onClick={onClose}>
          {c.haveCopied}
        </Button>
      </div>
    </Dialog>
  );
}
