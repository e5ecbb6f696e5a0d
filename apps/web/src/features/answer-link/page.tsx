import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleHelp } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { RelativeTime } from "../../components/relative-time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { type LinkedQuestion, useApi } from "../../lib/api.ts";
import { BASE } from "../../lib/base.ts";
import { codeOf, mayPass } from "../../lib/errors.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { AnswerForm, forgetAnswer } from "../build/gate/answer-form.tsx";
import { Expiry } from "../build/gate/gate-card.tsx";
import { messages } from "./messages.ts";

/** What the address says after its `#`; another link may be opened in the same tab. */
function useToken(): string {
  const [token, setToken] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    const read = () => setToken(window.location.hash.slice(1));
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  return token;
}

/** One question of one build, for the bearer of its link: they need no sign-in and see nothing else. */
export function AnswerLinkPage() {
  const t = useMessages(messages);
  const token = useToken();
  const api = useApi();
  const textOf = useErrorText();
  usePageTitle(t.title);
  const asked = useQuery({
    queryKey: ["linked question", token],
    queryFn: ({ signal }) => api.answerLinks.question(token, { signal }),
    retry: (count, error) => count < 2 && mayPass(error),
  });
  const isRefused = ["UNAUTHENTICATED", "INVALID_INPUT"].includes(codeOf(asked.error) ?? "");
  return (
    <main className="grid min-h-dvh content-center justify-items-center bg-bg p-4" id="content">
      <div className="grid w-full max-w-xl gap-4 rounded-xl border border-line bg-surface p-4 sm:p-6">
        <div className="flex items-center gap-3">
          <img alt="" className="size-7" height="28" src={`${BASE}/icon.svg`} width="28" />
          <h1 className="font-semibold text-lg">{t.title}</h1>
        </div>
        {asked.data && <Asked asked={asked.data} key={token} token={token} />}
        {isRefused && <Ending hint={t.notValidHint} text={t.notValid} />}
        {asked.error && !isRefused && (
          <div className="grid gap-2" role="alert">
            <p className="text-bad">{textOf(asked.error)}</p>
            <Button className="justify-self-start max-sm:h-11" onClick={() => void asked.refetch()}>
              {t.tryAgain}
            </Button>
          </div>
        )}
      </div>
    </main>
  );
}

function Asked({ asked, token }: { asked: LinkedQuestion; token: string }) {
  const t = useMessages(messages);
  const send = useAnswer(token, asked.stage);
  return (
    <>
      <p className="text-ink-2 text-sm [overflow-wrap:anywhere]">
        {t.from(asked.project_name, asked.stage_name)}
        {asked.state === "open" && (
          <>
            {" · "}
            <RelativeTime at={asked.since} />
          </>
        )}
      </p>
      {asked.state === "open" && (
        <>
          <div className="flex items-start gap-3">
            <CircleHelp aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
            <div className="min-w-0 flex-1">
              <p className="whitespace-pre-wrap font-semibold text-lg [overflow-wrap:anywhere]">
                {asked.question}
              </p>
              <Expiry waiting={asked} />
            </div>
          </div>
          <AnswerForm
            error={send.error}
            isPending={send.isPending}
            of={asked.stage}
            onAnswer={(value) => send.mutate({ value, since: asked.since })}
            waiting={asked}
          />
        </>
      )}
      {asked.state === "answered" &&
        (asked.own ? (
          <Ending hint={t.thanksHint} text={t.thanks}>
            <CircleCheck aria-hidden className="size-5 shrink-0 text-good" />
          </Ending>
        ) : (
          <Ending
            hint={<RelativeTime at={asked.at} />}
            text={asked.by === undefined ? t.answered : t.answeredBy(asked.by)}
          />
        ))}
      {asked.state === "over" && <Ending hint={t.overHint} text={t.over} />}
    </>
  );
}

function Ending({ text, hint, children }: { text: string; hint: ReactNode; children?: ReactNode }) {
  return (
    <div className="grid gap-1" role="status">
      <p className="flex items-center gap-2 font-medium [overflow-wrap:anywhere]">
        {children}
        {text}
      </p>
      <p className="text-ink-2 text-sm">{hint}</p>
    </div>
  );
}

function useAnswer(token: string, stage: string) {
  const api = useApi();
  const queries = useQueryClient();
  const queryKey = ["linked question", token];
  return useMutation({
    mutationFn: ({ value }: { value: unknown; since: string }) => api.answerLinks.answer(token, value),
    // The same answer again, after a reply that was lost, changes nothing.
    retry: (count, error) => count < 2 && mayPass(error),
    onSuccess: (asked, { since }) => {
      forgetAnswer(stage, since);
      queries.setQueryData(queryKey, asked);
    },
    onError: (error) => {
      // Another one has answered, or it is asked no more: the page says which.
      if (codeOf(error) === "STAGE_CONFLICT") void queries.invalidateQueries({ queryKey });
    },
  });
}
