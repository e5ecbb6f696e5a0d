import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { Button, buttonClass } from "./button.tsx";

const BACKDROP =
  "fixed inset-0 z-40 bg-black/40 transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0";
const POPUP =
  "-translate-x-1/2 fixed top-[10dvh] left-1/2 z-50 flex max-h-[80dvh] w-[calc(100vw-2rem)] flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-pop transition-[opacity,scale] data-ending-style:scale-98 data-starting-style:scale-98 data-ending-style:opacity-0 data-starting-style:opacity-0";

export interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  children: ReactNode;
  wide?: boolean;
}

/** A window over the page; Escape and a click outside close it. */
export function Dialog({ open, onOpenChange, title, children, wide = false }: DialogProps) {
  const t = useMessages(common);
  const content = useRef<HTMLDivElement>(null);
  return (
    <Base.Root onOpenChange={(next) => onOpenChange(next)} open={open}>
      <Base.Portal>
        <Base.Backdrop className={BACKDROP} />
        <Base.Popup
          className={`${POPUP} ${wide ? "max-w-4xl" : "max-w-lg"}`}
          // Who opens a form wants to fill it in; a touch would bring up the keyboard over it.
          initialFocus={(how) =>
            how === "touch" ||
            (content.current?.querySelector<HTMLElement>("input, textarea, select") ?? true)
          }
        >
          <div className="flex items-center justify-between border-line border-b px-5 py-3">
            <Base.Title className="min-w-0 font-semibold text-lg [overflow-wrap:anywhere]">
              {title}
            </Base.Title>
            <Base.Close aria-label={t.close} className={buttonClass({ look: "ghost", size: "icon" })}>
              <X aria-hidden className="size-4" />
            </Base.Close>
          </div>
          <div className="overflow-y-auto p-5" ref={content}>
            {children}
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

export interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: ReactNode;
  /** What the button that does it says. */
  action: string;
  onConfirm: () => void;
  danger?: boolean;
}

/** A question before something that cannot be undone. Focus begins on the harmless answer. */
export function Confirm(props: ConfirmProps) {
  const { open, onOpenChange, title, description, action, onConfirm, danger = true } = props;
  const t = useMessages(common);
  return (
    <AlertDialog.Root onOpenChange={(next) => onOpenChange(next)} open={open}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup className={`${POPUP} max-w-md overflow-y-auto p-5`}>
          <AlertDialog.Title className="font-semibold text-lg [overflow-wrap:anywhere]">
            {title}
          </AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-ink-2" render={<div />}>
            {description}
          </AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Close className={buttonClass()}>{t.back}</AlertDialog.Close>
            <Button
              look={danger ? "danger" : "primary"}
              onClick={() => {
                onOpenChange(false);
                onConfirm();
              }}
            >
              {action}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
