import type { ReactNode } from "react";

export interface PageHeadProps {
  title: string;
  intro?: ReactNode;
  /** The page's main action. */
  action?: ReactNode;
}

/** What a page is, in a sentence, and what one does there. */
export function PageHead({ title, intro, action }: PageHeadProps) {
  return (
    <div className="mb-4 flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <h1 className="font-semibold text-xl">{title}</h1>
        {intro !== undefined && <p className="mt-1 max-w-2xl text-ink-2">{intro}</p>}
      </div>
      {action}
    </div>
  );
}
