import { Button as Base } from "@base-ui/react/button";
import type { ComponentProps } from "react";
import { cn } from "../../lib/cn.ts";

const LOOKS = {
  primary: "bg-accent-strong text-on-accent hover:bg-accent-strong-hover",
  danger: "bg-bad-strong text-on-accent hover:brightness-90",
  secondary: "button-secondary border border-line",
  ghost: "button-ghost",
} as const;

/** On a phone a finger hits them all. */
const SIZES = {
  small: "h-7 gap-1.5 rounded-md px-2.5 text-sm max-sm:min-h-11",
  normal: "h-8 gap-1.5 rounded-md px-3 text-sm max-sm:min-h-11",
  icon: "size-8 rounded-md max-sm:size-11",
  /** One of many in a row, which a phone has room for. */
  tool: "size-8 rounded-md max-sm:h-11 max-sm:w-9",
  /** In a line of text, which it does not make higher. */
  inside: "relative size-7 rounded-md max-sm:after:absolute max-sm:after:-inset-2",
} as const;

export interface ButtonLook {
  look?: keyof typeof LOOKS;
  size?: keyof typeof SIZES;
}

/** Classes of a button, for links that look like one. */
export function buttonClass({ look = "secondary", size = "normal" }: ButtonLook = {}): string {
  return cn(
    "inline-flex shrink-0 select-none items-center justify-center whitespace-nowrap font-medium transition-colors",
    "disabled:opacity-50 data-disabled:opacity-50 aria-disabled:opacity-50",
    LOOKS[look],
    SIZES[size],
  );
}

/** An icon alone needs an `aria-label`, and a Tooltip around it. */
export function Button({
  look,
  size,
  className,
  ...props
}: Omit<ComponentProps<"button">, "ref"> & ButtonLook & { focusableWhenDisabled?: boolean }) {
  return (
    <Base
      {...props}
      className={cn(buttonClass({ ...(look && { look }), ...(size && { size }) }), className)}
    />
  );
}
