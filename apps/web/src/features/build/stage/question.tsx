import { JsonTree } from "../../../components/json-tree.tsx";
import { RelativeTime } from "../../../components/relative-time.tsx";
import { useMessages } from "../../../i18n/lang.ts";
import type { Project, Stage } from "../../../lib/api.ts";
import { Expiry } from "../gate/gate-card.tsx";
import { messages } from "../messages.ts";

/** What a gate asks or asked, and who answered it, when and what. An open one is answered at the top of the page. */
export function Question({ project, stage }: { project: Project; stage: Stage }) {
  const t = useMessages(messages);
  const { waiting } = project;
  const isOpen = stage.status === "waiting" && waiting?.stage === stage.stage;
  const { question: asked, answer, by, at, expired } = stage.output_data;
  const question = isOpen ? waiting.question : asked;
  return (
    <div className="grid grid-cols-1 gap-4" data-testid="question">
      {typeof question === "string" && (
        <blockquote className="whitespace-pre-wrap border-line-strong border-l-2 pl-3 font-medium text-lg [overflow-wrap:anywhere]">
          {question}
        </blockquote>
      )}
      {isOpen && (
        <div>
          <p className="text-ink-2 text-sm">
            {t.askedSince} <RelativeTime at={waiting.since} />
          </p>
          <Expiry waiting={waiting} />
        </div>
      )}
      {answer !== undefined && typeof at === "string" && (
        <>
          <p className="text-ink-2 text-sm">
            {expired === true ? t.answeredByTimeout : typeof by === "string" ? t.answeredBy(by) : t.answered}{" "}
            · <RelativeTime at={at} />
          </p>
          <JsonTree value={answer} />
        </>
      )}
    </div>
  );
}
