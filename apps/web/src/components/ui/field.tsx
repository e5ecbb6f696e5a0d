import type { ComponentProps, ReactNode } from "react";
import { cn } from "../../lib/cn.ts";

const FIELD =
  "w-full rounded-md border border-line-strong bg-surface px-2.5 text-base text-ellipsis text-ink placeholder:text-ink-3 aria-invalid:border-bad disabled:opacity-60";

export function TextInput({ className, ...props }: ComponentProps<"input">) {
  return <input {...props} className={cn(FIELD, "h-8 pointer-coarse:h-11", className)} />;
}

export function TextArea({ className, ...props }: ComponentProps<"textarea">) {
  return <textarea {...props} className={cn(FIELD, "py-2", className)} />;
}

/** The browser's own list: on a phone there is none better. */
export function Select({ className, ...props }: ComponentProps<"select">) {
  return <select {...props} className={cn(FIELD, "h-8 pr-1 pointer-coarse:h-11", className)} />;
}

export interface FieldProps {
  id: string;
  label: string;
  hint?: ReactNode;
  /** What is wrong with it. */
  error?: string | undefined;
  children: ReactNode;
}

/** A label, the control with this id (give it `aria-describedby={describedBy(id)}`), and what there is to say of it. */
export function Field({ id, label, hint, error, children }: FieldProps) {
  return (
    <div className="grid grid-cols-1 content-start gap-1">
      <label className="font-medium text-sm" htmlFor={id}>
        {label}
      </label>
      {children}
      <div className="min-h-5 text-xs" id={describedBy(id)}>
        {error === undefined ? (
          <span className="text-ink-3">{hint}</span>
        ) : (
          <span className="text-bad" role="alert">
            {error}
          </span>
        )}
      </div>
    </div>
  );
}

export function describedBy(id: string): string {
  return `${id}-about`;
}
