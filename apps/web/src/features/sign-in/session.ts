import { BASE } from "../../lib/base.ts";

/** How this server lets people sign in; empty where it needs no sign-in. */
export async function signInMethods(): Promise<readonly string[]> {
  const answer = await fetch(`${BASE}/auth/methods`);
  if (!answer.ok) throw new Error(`expected the ways to sign in, found HTTP ${answer.status}`);
  const { methods }: { methods: string[] } = await answer.json();
  return methods;
}

/** Why no session was made of a key, by the status of the answer. */
const REFUSALS = { 401: "keyRefused", 403: "addressRefused", 429: "tooMany" } as const;
export type Refusal = (typeof REFUSALS)[keyof typeof REFUSALS];
const isRefusal = (status: number): status is keyof typeof REFUSALS => Object.hasOwn(REFUSALS, status);

/** What copying adds to a key unseen: blanks, and characters of no width. */
const UNSEEN = /[\s\p{Cf}]/gu;

/** Makes a cookie of a key, which the page itself then cannot read. Gives why not, when it is refused. */
export async function signInWithKey(typed: string): Promise<Refusal | undefined> {
  const key = typed.replace(UNSEEN, "");
  // No key has other characters, and a browser sends none of them in a header.
  if (!/^[!-~]+$/.test(key)) return "keyRefused";
  const headers = { authorization: `Bearer ${key}` };
  const { ok, status } = await fetch(`${BASE}/auth/session`, { method: "POST", headers });
  if (isRefusal(status)) return REFUSALS[status];
  if (!ok) throw new Error(`expected a session, found HTTP ${status}`);
  return undefined;
}

/** One whose session is over already is signed out too. */
export async function signOut(everywhere: boolean): Promise<void> {
  const query = everywhere ? "?everywhere=1" : "";
  const answer = await fetch(`${BASE}/auth/session${query}`, { method: "DELETE" });
  if (!answer.ok && answer.status !== 401)
    throw new Error(`expected to be signed out, found HTTP ${answer.status}`);
}

/** Where the provider sends the browser back to: this very page. */
export function providerAddress(): string {
  const { pathname, search } = window.location;
  return `${BASE}/auth/sign-in?return_to=${encodeURIComponent(pathname + search)}`;
}

/** The key of a link such as `/#key=sf_…`: the page takes it out of the address at once, so that no request carries it there. */
export function takeKeyFromAddress(): string | undefined {
  const key = new URLSearchParams(window.location.hash.slice(1)).get("key") ?? undefined;
  if (key !== undefined)
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return key;
}
