import { lazy, Suspense } from "react";

const Loaded = lazy(() => import("./markdown.tsx").then((module) => ({ default: module.Markdown })));

/** A text in Markdown, whose reader comes when one is first shown; until then it is plain. */
export function Markdown({ text }: { text: string }) {
  return (
    <Suspense fallback={<div className="whitespace-pre-wrap [overflow-wrap:anywhere]">{text}</div>}>
      <Loaded text={text} />
    </Suspense>
  );
}
