import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { useDraft } from "./draft.ts";
import { Form } from "./form.tsx";
import { messages } from "./messages.ts";
import { RecentList } from "./recent-list.tsx";

export function NewBuildPage() {
  const t = useMessages(messages);
  const c = useMessages(common);
  const { draft, setDraft, from } = useDraft();
  const requirement = useRef<HTMLTextAreaElement>(null);
  usePageTitle(c.newBuild);
  return (
    <PageScroll narrow>
      <h1 className="font-semibold text-xl">{c.newBuild}</h1>
      <p className="mt-1 mb-6 text-ink-2">
        {from === undefined ? (
          t.intro
        ) : (
          <>
            {t.again}{" "}
            <Link
              className="font-mono text-accent text-xs hover:underline"
              params={{ projectId: from }}
              to="/builds/$projectId"
            >
              {from}
            </Link>
          </>
        )}
      </p>
      {draft ? (
        <Form draft={draft} onChange={setDraft} requirementRef={requirement} />
      ) : (
        <Skeleton className="h-96 rounded-xl" />
      )}
      <RecentList
        onChoose={(text) => {
          if (draft) setDraft({ ...draft, requirement: text });
          requirement.current?.focus();
        }}
      />
    </PageScroll>
  );
}
