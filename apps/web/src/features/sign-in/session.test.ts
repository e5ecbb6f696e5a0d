import { afterEach, expect, it, vi } from "vitest";
import { signInWithKey } from "./session.ts";

afterEach(() => void vi.unstubAllGlobals());

const KEY = `sf_${"0".repeat(12)}_${"x".repeat(32)}`;

/** What a server with this answer was sent to sign in with. */
function serverWith(status: number): string[] {
  const sent: string[] = [];
  vi.stubGlobal("fetch", async (_address: string, init: RequestInit) => {
    sent.push(new Headers(init.headers).get("authorization") ?? "");
    return new Response("{}", { status });
  });
  return sent;
}

it("a key that was pasted with blanks and characters of no width signs in", async () => {
  const sent = serverWith(200);
  expect(await signInWithKey(` \u200B${KEY.slice(0, 9)}\u00AD${KEY.slice(9)}\uFEFF\u00A0`)).toBeUndefined();
  expect(sent).toEqual([`Bearer ${KEY}`]);
});

it("a key with a letter that no key has is not valid, and is not sent", async () => {
  const sent = serverWith(200);
  for (const key of [KEY.replace("x", "ｘ"), `é${KEY}`, "\u200B"])
    expect(await signInWithKey(key)).toBe("keyRefused");
  expect(sent).toEqual([]);
});

it("says of each refusal what it is, and that a server which fails is none", async () => {
  const found: unknown[] = [];
  for (const status of [401, 403, 429]) {
    serverWith(status);
    found.push(await signInWithKey(KEY));
  }
  expect(found).toEqual(["keyRefused", "addressRefused", "tooMany"]);
  serverWith(502);
  await expect(signInWithKey(KEY)).rejects.toThrow("HTTP 502");
});
