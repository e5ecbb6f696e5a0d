import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { common } from "../i18n/common.ts";
import { useMessages } from "../i18n/lang.ts";
import { Button } from "./ui/button.tsx";
import { toast } from "./ui/toast.ts";

const SHOWN_MS = 2000;

/**
 * Puts a text on the clipboard and says so. `label` is what the button does, such as "Copy the command"; `inside` of a line of
 * text it is small.
 */
export function CopyButton({
  text,
  label,
  inside = false,
}: {
  text: string;
  label: string;
  inside?: boolean;
}) {
  const c = useMessages(common);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), SHOWN_MS);
    } catch {
      // A page over plain HTTP from another machine has no clipboard.
      toast.fail(c.notCopied);
    }
  };
  const Icon = copied ? Check : Copy;
  return (
    <Button
      aria-label={label}
      look="ghost"
      onClick={() => void copy()}
      size={inside ? "inside" : "icon"}
      title={copied ? c.copied : label}
    >
      <Icon aria-hidden className="size-4" />
      <span className="sr-only" role="status">
        {copied && c.copied}
      </span>
    </Button>
  );
}
