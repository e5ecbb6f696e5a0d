import { Checkbox as Base } from "@base-ui/react/checkbox";
import { Check, Minus } from "lucide-react";

export interface CheckboxProps {
  checked: boolean;
  onCheckedChange: (checked: boolean) => void;
  /** Some of what it stands for, not all. */
  indeterminate?: boolean;
  label?: string;
}

export function Checkbox({ checked, onCheckedChange, indeterminate = false, label }: CheckboxProps) {
  return (
    <Base.Root
      aria-label={label}
      checked={checked}
      className="flex size-4 shrink-0 items-center justify-center rounded border border-line-strong bg-surface data-checked:border-accent-strong data-indeterminate:border-accent-strong data-checked:bg-accent-strong data-indeterminate:bg-accent-strong"
      indeterminate={indeterminate}
      onCheckedChange={(next) => onCheckedChange(next)}
    >
      <Base.Indicator className="text-on-accent">
        {indeterminate ? (
          <Minus aria-hidden className="size-3" strokeWidth={3} />
        ) : (
          <Check aria-hidden className="size-3" strokeWidth={3} />
        )}
      </Base.Indicator>
    </Base.Root>
  );
}
