import { useRef, useState } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { Form } from "./form.tsx";
import { EMPTY } from "./input.ts";
import { messages } from "./messages.ts";
import { RecentList } from "./recent-list.tsx";

export function NewBuildPage() {
  const t = useMessages(messages);
  const c = useMessages(common);
  const [draft, setDraft] = useState(EMPTY);
  const requirement = useRef<HTMLTextAreaElement>(null);
  usePageTitle(c.newBuild);
  return (
    <PageScroll narrow>
      <h1 className="font-semibold text-xl">{c.newBuild}</h1>
      <p className="mt-1 mb-6 text-ink-2">{t.intro}</p>
      <Form draft={draft} onChange={setDraft} requirementRef={requirement} />
      <RecentList
        onChoose={(text) => {
          setDraft({ ...draft, requirement: text });
          requirement.current?.focus();
        }}
      />
    </PageScroll>
  );
}
