import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button, buttonClass } from "../../components/ui/button.tsx";
import { describedBy, Field, TextInput } from "../../components/ui/field.tsx";
import { useMessages } from "../../i18n/lang.ts";
import { BASE } from "../../lib/base.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { messages } from "./messages.ts";
import { providerAddress, signInMethods, signInWithKey } from "./session.ts";

/** In place of every page, for one whom the API does not know. */
export function SignInPage({ onSignedIn }: { onSignedIn: () => void }) {
  const t = useMessages(messages);
  const { data: methods = [] } = useQuery({ queryKey: ["sign-in methods"], queryFn: signInMethods });
  usePageTitle(t.title);
  return (
    <main className="grid min-h-dvh place-items-center bg-bg p-4" id="content">
      <div className="grid w-full max-w-sm gap-4 rounded-lg border border-line bg-surface p-6">
        <div className="flex items-center gap-3">
          <img alt="" className="size-8" height="32" src={`${BASE}/icon.svg`} width="32" />
          <h1 className="font-semibold text-xl">{t.title}</h1>
        </div>
        <p className="text-ink-2">{t.intro}</p>
        {methods.includes("oidc") && (
          <a className={buttonClass({ look: "primary" })} href={providerAddress()}>
            {t.provider}
          </a>
        )}
        {methods.length > 1 && <p className="text-center text-ink-3 text-sm">{t.or}</p>}
        {methods.includes("keys") && <KeyForm onSignedIn={onSignedIn} />}
      </div>
    </main>
  );
}

function KeyForm({ onSignedIn }: { onSignedIn: () => void }) {
  const t = useMessages(messages);
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    signInWithKey(key)
      .then((refusal) => (refusal === undefined ? onSignedIn() : setProblem(t[refusal])))
      .catch(() => setProblem(t.unreachable))
      .finally(() => setBusy(false));
  };
  return (
    <form className="grid gap-2" onSubmit={submit}>
      <Field error={problem} hint={t.keyHint} id="api-key" label={t.key}>
        <TextInput
          aria-describedby={describedBy("api-key")}
          aria-invalid={problem !== undefined}
          autoComplete="current-password"
          id="api-key"
          onChange={(event) => setKey(event.target.value)}
          required
          type="password"
          value={key}
        />
      </Field>
      <Button disabled={busy || key.trim() === ""} look="primary" type="submit">
        {busy ? t.signingIn : t.signIn}
      </Button>
    </form>
  );
}
