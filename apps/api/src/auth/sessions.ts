import { createHash, randomBytes } from "node:crypto";
import { type Clock, type RecordStore, ROLES } from "@stagefold/core";
import { z } from "zod";
import type { ApiKeys } from "./api-keys.ts";
import type { Principal } from "./principal.ts";

/** How long a sign-in of the dashboard lasts. */
export const SESSION_MS = 12 * 60 * 60 * 1000;
/** How long a session that was read is believed: signing out elsewhere acts within this. */
const BELIEVED_MS = 2000;
const MAX_BELIEVED = 10_000;
const LOGIN = "login#";
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

const principalSchema = z.object({
  kind: z.enum(["key", "user"]),
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  user_id: z.string().optional(),
  pipelines: z.array(z.string()).optional(),
  key_id: z.string().optional(),
  key_hash: z.string().optional(),
  expires_at: z.number().optional(),
});
const sessionSchema = z.object({ principal: principalSchema, ends_at: z.number() });

/** Sign-ins of browsers: the cookie has 256 random bits, the record is found by their hash. */
export class Sessions {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #keys: ApiKeys;
  readonly #believed = new Map<
    string,
    { readonly principal: Principal | undefined; readonly readAt: number }
  >();
  readonly #ended = new Set<(sessionId: string) => void>();
  /** How many sign-outs there were: what was read before the last one is not believed. */
  #signOuts = 0;

  constructor(records: RecordStore, clock: Clock, keys: ApiKeys) {
    this.#records = records;
    this.#clock = clock;
    this.#keys = keys;
  }

  /** Answers with what the cookie is to hold. */
  async begin(principal: Principal): Promise<{ token: string; ends_at: number }> {
    const token = randomBytes(32).toString("base64url");
    const now = this.#clock.now();
    const ends_at = Math.min(now + SESSION_MS, principal.expires_at ?? Number.POSITIVE_INFINITY);
    const key = keyOf(idOf(token));
    const present = Object.fromEntries(Object.entries(principal).filter(([, value]) => value !== undefined));
    const user = principal.user_id ?? principal.id;
    await this.#records.write({
      ...key,
      kind: "put",
      guards: [],
      item: {
        ...key,
        principal: present,
        ends_at,
        expires_at: Math.ceil(ends_at / 1000),
        gsi1_pk: `logins#${user}`,
        gsi1_sk: key.pk,
        listed: {},
      },
    });
    return { token, ends_at };
  }

  /** Who signed in; undefined when the session is over or its key is not valid any more. Errors: STORE_UNAVAILABLE. */
  async principalOf(token: string): Promise<Principal | undefined> {
    if (!TOKEN.test(token)) return undefined;
    return await this.#valid(idOf(token));
  }

  /** Whether a sign-in is still good for what was opened under it. Errors: STORE_UNAVAILABLE. */
  async isValid(sessionId: string): Promise<boolean> {
    return (await this.#valid(sessionId)) !== undefined;
  }

  async end(token: string): Promise<void> {
    await this.#end([idOf(token)]);
  }

  /** Signs the user out everywhere. */
  async endAll(principal: Principal): Promise<void> {
    const pk = `logins#${principal.user_id ?? principal.id}`;
    for (let cursor: string | undefined; ; ) {
      const page = await this.#records.query({ index: "gsi1", pk, limit: 100, cursor });
      await this.#end(page.items.map(({ pk: login }) => String(login).slice(LOGIN.length)));
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** Called with each sign-in that this process ends. Returns the way to stop. */
  onEnded(listener: (sessionId: string) => void): () => void {
    this.#ended.add(listener);
    return () => this.#ended.delete(listener);
  }

  async #end(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await this.#records.write({ ...keyOf(id), kind: "delete", guards: [] });
      // After the write: a request that comes meanwhile would believe the session again.
      this.#signOuts += 1;
      this.#believed.delete(id);
      for (const listener of this.#ended) listener(id);
    }
  }

  async #valid(id: string): Promise<Principal | undefined> {
    const now = performance.now();
    const known = this.#believed.get(id);
    const principal = known && now - known.readAt < BELIEVED_MS ? known.principal : await this.#read(id);
    if (!principal || (principal.expires_at ?? 0) <= this.#clock.now()) return undefined;
    return (await this.#keys.vouchFor(principal)) ? principal : undefined;
  }

  async #read(id: string): Promise<Principal | undefined> {
    const before = this.#signOuts;
    const item = await this.#records.get(keyOf(id), { consistent: false });
    const session = sessionSchema.safeParse(item).data;
    const principal = session && {
      ...session.principal,
      user_id: session.principal.user_id,
      session_id: id,
      expires_at: session.ends_at,
    };
    if (this.#signOuts !== before) return principal;
    this.#believed.delete(id);
    this.#believed.set(id, { principal, readAt: performance.now() });
    if (this.#believed.size > MAX_BELIEVED) this.#believed.delete(this.#believed.keys().next().value ?? "");
    return principal;
  }
}

/** What a sign-in is known by: not the token itself, which need not be kept. */
function idOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function keyOf(id: string) {
  return { pk: LOGIN + id, sk: "login" };
}
