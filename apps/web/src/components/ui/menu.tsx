import { Menu as Base } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { cn } from "../../lib/cn.ts";

const ITEM =
  "flex cursor-default select-none items-center gap-2 rounded-md px-2 py-1.5 text-sm outline-none max-sm:min-h-11 data-highlighted:bg-hover data-disabled:opacity-50";

const GROUP_LABEL = "px-2 pt-1.5 pb-1 text-ink-3 text-xs";

/** A button (`trigger`, an element) with a list of things to do. */
export function Menu({
  trigger,
  children,
  align = "end",
}: {
  trigger: ReactElement;
  children: ReactNode;
  align?: "start" | "end";
}) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner align={align} className="z-50 outline-none" sideOffset={4}>
          <Base.Popup className="max-h-(--available-height) min-w-44 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-pop outline-none">
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export interface MenuItemProps {
  onClick: () => void;
  children: ReactNode;
  disabled?: boolean;
  danger?: boolean;
}

export function MenuItem({ onClick, children, disabled = false, danger = false }: MenuItemProps) {
  return (
    <Base.Item className={cn(ITEM, danger && "text-bad")} disabled={disabled} onClick={onClick}>
      {children}
    </Base.Item>
  );
}

/** A link in a menu; `render` is the router's link. */
export function MenuLink({ render, children }: { render: ReactElement; children: ReactNode }) {
  return (
    <Base.LinkItem className={ITEM} closeOnClick render={render}>
      {children}
    </Base.LinkItem>
  );
}

export interface MenuChoiceProps<T extends string> {
  label: string;
  value: T;
  onChange: (value: T) => void;
  options: readonly (readonly [value: T, label: string])[];
}

/** One of several, in a menu. */
export function MenuChoice<T extends string>({ label, value, onChange, options }: MenuChoiceProps<T>) {
  return (
    <Base.RadioGroup onValueChange={(next: T) => onChange(next)} value={value}>
      <Base.Group>
        <Base.GroupLabel className={GROUP_LABEL}>{label}</Base.GroupLabel>
        {options.map(([option, name]) => (
          <Base.RadioItem className={ITEM} key={option} value={option}>
            <span className="size-4">
              <Base.RadioItemIndicator>
                <Check aria-hidden className="size-4" />
              </Base.RadioItemIndicator>
            </span>
            {name}
          </Base.RadioItem>
        ))}
      </Base.Group>
    </Base.RadioGroup>
  );
}

/** Something that is on or off, in a menu. */
export function MenuToggle(props: { on: boolean; onChange: (on: boolean) => void; children: ReactNode }) {
  const { on, onChange, children } = props;
  return (
    <Base.CheckboxItem checked={on} className={ITEM} onCheckedChange={(next) => onChange(next)}>
      <span className="size-4">
        <Base.CheckboxItemIndicator>
          <Check aria-hidden className="size-4" />
        </Base.CheckboxItemIndicator>
      </span>
      {children}
    </Base.CheckboxItem>
  );
}

/** Things of one kind in a menu, under what they are called. */
export function MenuGroup({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Base.Group>
      <Base.GroupLabel className={GROUP_LABEL}>{label}</Base.GroupLabel>
      {children}
    </Base.Group>
  );
}

export function MenuSeparator() {
  return <Base.Separator className="-mx-1 my-1 h-px bg-line" />;
}
