import { useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { messages } from "./messages.ts";
import { forgetRequirements, recentRequirements } from "./recent.ts";

/** What was asked for before, to be asked for again. */
export function RecentList({ onChoose }: { onChoose: (requirement: string) => void }) {
  const t = useMessages(messages);
  const [recent, setRecent] = useState(recentRequirements);
  if (recent.length === 0) return null;
  return (
    <section aria-labelledby="recent" className="mt-8">
      <div className="mb-1 flex items-center justify-between">
        <h2 className="font-medium text-ink-2 text-sm" id="recent">
          {t.recent}
        </h2>
        <Button
          look="ghost"
          onClick={() => {
            forgetRequirements();
            setRecent([]);
          }}
          size="small"
        >
          {t.forget}
        </Button>
      </div>
      <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
        {recent.map((requirement) => (
          <li key={requirement}>
            <button
              className="block w-full truncate px-3 py-2.5 text-left text-ink-2 text-sm outline-offset-[-2px] hover:bg-hover hover:text-ink"
              onClick={() => onChoose(requirement)}
              title={requirement}
              type="button"
            >
              {requirement}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
