import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { useEffect } from "react";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { cn } from "../../lib/cn.ts";
import { buttonClass } from "./button.tsx";
import { receiveToasts } from "./toast.ts";

/** Where the short messages appear: a corner; screen readers read them out. */
export function ToastArea() {
  return (
    <Base.Provider limit={4} timeout={6000}>
      <Base.Portal>
        <Base.Viewport className="fixed right-4 bottom-4 max-sm:bottom-18 z-60 flex w-[min(22rem,calc(100vw-2rem))] flex-col gap-2">
          <Toasts />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function Toasts() {
  const { toasts, add } = Base.useToastManager();
  const t = useMessages(common);
  useEffect(
    () =>
      receiveToasts(({ title, description, failed }) =>
        add({
          title,
          ...(description !== undefined && { description }),
          ...(failed && { type: "error", priority: "high" }),
        }),
      ),
    [add],
  );
  return toasts.map((toast) => (
    <Base.Root
      className={cn(
        "rounded-lg border bg-raised shadow-pop transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0 data-limited:hidden",
        toast.type === "error" ? "border-bad" : "border-line",
      )}
      key={toast.id}
      swipeDirection={[]}
      toast={toast}
    >
      <Base.Content className="flex items-start gap-2 p-3">
        <div className="min-w-0 flex-1">
          <Base.Title className="font-medium text-sm" render={<p />} />
          <Base.Description className="break-words text-ink-2 text-sm" />
        </div>
        <Base.Close
          aria-label={t.close}
          className={cn(buttonClass({ look: "ghost", size: "inside" }), "-m-1")}
        >
          <X aria-hidden className="size-4" />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ));
}
