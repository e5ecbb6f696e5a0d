import { BASE } from "../../lib/base.ts";

/** How this server lets people sign in; empty where it needs no sign-in. */
export async function signInMethods(): Promise<readonly string[]> {
  const answer = await fetch(`${BASE}/auth/methods`);
  if (!answer.ok) throw new Error(`expected the ways to sign in, found HTTP ${answer.status}`);
  const { methods }: { methods: string[] } = await answer.json();
  return methods;
}

/** Makes a cookie of a key, which the page itself then cannot read. False when the key is refused. */
export async function signInWithKey(key: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`${BASE}/auth/session`, { method: "POST", headers });
  if (answer.status === 401) return false;
  if (!answer.ok) throw new Error(`expected a session, found HTTP ${answer.status}`);
  return true;
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
