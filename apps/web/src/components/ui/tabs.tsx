import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

export interface Tab<T extends string> {
  readonly value: T;
  readonly label: ReactNode;
  readonly content: ReactNode;
}

export interface TabsProps<T extends string> {
  tabs: readonly Tab<T>[];
  value: T;
  onChange: (value: T) => void;
  /** What the tabs are of, for screen readers. */
  label: string;
}

/** Only the chosen tab's content is there. In a part of the page that is filled (`data-full`), it takes what room there is. */
export function Tabs<T extends string>({ tabs, value, onChange, label }: TabsProps<T>) {
  return (
    <Base.Root
      className="in-data-full:flex in-data-full:min-h-0 in-data-full:flex-1 in-data-full:flex-col"
      onValueChange={(next: T) => onChange(next)}
      value={value}
    >
      <Base.List
        aria-label={label}
        className="relative flex shrink-0 gap-1 overflow-x-auto border-line border-b"
      >
        {tabs.map((tab) => (
          <Base.Tab
            className="-mb-px whitespace-nowrap border-transparent border-b-2 px-3 py-2 font-medium text-ink-2 text-sm max-sm:min-h-11 outline-offset-[-2px] hover:text-ink data-active:border-accent-strong data-active:text-ink"
            key={tab.value}
            value={tab.value}
          >
            {tab.label}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel
          className="in-data-full:flex in-data-full:min-h-0 in-data-full:flex-1 in-data-full:flex-col outline-offset-[-2px]"
          key={tab.value}
          value={tab.value}
        >
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
