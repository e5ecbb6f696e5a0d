import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type Clock, type Item, type RecordStore, ROLES, StagefoldError, toTime } from "@stagefold/core";
import { z } from "zod";
import type { Principal } from "./principal.ts";

/** How long a key that was read is believed before it is read again: a revocation elsewhere acts within this. */
const BELIEVED_MS = 2000;
/** Last use is coarse: one write for each key in so long. */
const USE_EVERY_MS = 10 * 60_000;
const MAX_BELIEVED = 10_000;
const PARTITION = "keys";
const SORT = "key";
const HASH_FIELD = "secret_sha256";

/** `sf_<12 hex>_<32 base64url>`: the id finds the record, the secret (192 random bits) proves the bearer. */
const KEY = /^sf_([0-9a-f]{12})_([A-Za-z0-9_-]{32})$/;

/** A key as it is shown: never its secret or the hash of it. Times as everywhere; absent: never. */
export const apiKeySchema = z.object({
  key_id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  /** A runner's pipelines. */
  pipelines: z.array(z.string()).optional(),
  /** The user that the key stands for; its name unless given. */
  user_id: z.string(),
  created_at: z.string(),
  created_by: z.string(),
  valid_until: z.string().optional(),
  revoked_at: z.string().optional(),
  /** To within ten minutes. */
  last_used_at: z.string().optional(),
});
export type ApiKey = z.output<typeof apiKeySchema>;

const recordSchema = apiKeySchema.extend({ [HASH_FIELD]: z.string().regex(/^[0-9a-f]{64}$/) });
type KeyRecord = ApiKey & { secret_sha256: string };

export interface NewKey {
  readonly name: string;
  readonly role: ApiKey["role"];
  readonly pipelines?: readonly string[] | undefined;
  readonly user_id?: string | undefined;
  readonly valid_until?: string | undefined;
}

/** A key and, this once, the text that its bearer sends. */
export interface IssuedKey {
  readonly key: string;
  readonly record: ApiKey;
}

/** API keys as records. The secret has 192 random bits, so its SHA-256 needs no salt and no slow hash. */
export class ApiKeys {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #believed = new Map<string, { readonly record: KeyRecord | undefined; readonly readAt: number }>();
  readonly #revoked = new Set<(keyId: string) => void>();
  /** How many revocations and rotations there were: what was read before the last one is not believed. */
  #endings = 0;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  async create(given: NewKey, by: string): Promise<IssuedKey> {
    const issued = await this.#issue(newKeyText(), given, by);
    if (!issued) throw new Error("Two random ids of keys are the same.");
    return issued;
  }

  /** Makes a key of this text; false when there is one of its id, or the text is not one of a key. */
  async createFirst(text: string, given: NewKey, by: string): Promise<boolean> {
    return KEY.test(text) && (await this.#issue(text, given, by)) !== undefined;
  }

  /** Every key, newest first. */
  async list(): Promise<ApiKey[]> {
    const keys: ApiKey[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.#records.query({
        index: "gsi1",
        pk: PARTITION,
        newestFirst: true,
        limit: 100,
        cursor,
      });
      for (const row of page.items) {
        // A damaged record is left out: it is good for nothing, and the others are listed.
        const listed = apiKeySchema.safeParse(row.listed);
        if (listed.success) keys.push(listed.data);
      }
      cursor = page.next;
      if (cursor === undefined) return keys;
    }
  }

  /**
   * A new secret for the key; the old one is refused from now on. Errors: INVALID_INPUT for a key that is not there, is
   * revoked or over, or was rotated by another at the same time: of two new secrets one would be refused.
   */
  async rotate(keyId: string): Promise<IssuedKey> {
    const known = recordOf(await this.#records.get(keyOf(keyId)));
    // Its new secret would be refused like the old one.
    if (known && !this.#isValid(known))
      throw new StagefoldError("INVALID_INPUT", `The key ${keyId} is revoked or over: create another one.`, {
        issues: ["key_id: expected a key that is valid"],
      });
    const secret = newSecret();
    const record = await this.#change(keyId, { [HASH_FIELD]: sha256(secret) }, known?.secret_sha256);
    this.#end(keyId);
    return { key: `sf_${keyId}_${secret}`, record };
  }

  /** The key is refused from now on, and what it has open ends. Errors: INVALID_INPUT for a key that is not there. */
  async revoke(keyId: string): Promise<ApiKey> {
    const record = await this.#change(keyId, { revoked_at: toTime(this.#clock.now()) });
    this.#end(keyId);
    return record;
  }

  /** Called with each key that this process revokes or rotates. Returns the way to stop. */
  onRevoked(listener: (keyId: string) => void): () => void {
    this.#revoked.add(listener);
    return () => this.#revoked.delete(listener);
  }

  /** Who bears the key; undefined when it is not one, or not valid. Errors: STORE_UNAVAILABLE. */
  async verify(text: string): Promise<Principal | undefined> {
    const [, keyId, secret] = KEY.exec(text) ?? [];
    if (keyId === undefined || secret === undefined) return undefined;
    const record = await this.#read(keyId);
    if (!record || !isSame(record.secret_sha256, sha256(secret)) || !this.#isValid(record)) return undefined;
    this.#used(record);
    return principalOf(record);
  }

  /** Whether the key is still good, whatever its secret is now. Errors: STORE_UNAVAILABLE. */
  async isValid(keyId: string): Promise<boolean> {
    const record = await this.#read(keyId);
    return record !== undefined && this.#isValid(record);
  }

  /**
   * Whether the key of a principal is still good for what was opened with it; one without a key needs none.
   * Errors: STORE_UNAVAILABLE.
   */
  async vouchFor({ key_id, key_hash }: Principal): Promise<boolean> {
    if (key_id === undefined) return true;
    const record = await this.#read(key_id);
    // A sign-in of an earlier version has no hash.
    const isSecret = key_hash === undefined || key_hash === record?.secret_sha256;
    return record !== undefined && isSecret && this.#isValid(record);
  }

  #isValid({ revoked_at, valid_until }: KeyRecord): boolean {
    return revoked_at === undefined && (valid_until === undefined || valid_until > toTime(this.#clock.now()));
  }

  async #read(keyId: string): Promise<KeyRecord | undefined> {
    const now = performance.now();
    const known = this.#believed.get(keyId);
    if (known && now - known.readAt < BELIEVED_MS) return known.record;
    const endings = this.#endings;
    const record = recordOf(await this.#records.get(keyOf(keyId), { consistent: false }));
    if (this.#endings !== endings) return record;
    this.#believed.delete(keyId);
    this.#believed.set(keyId, { record, readAt: now });
    if (this.#believed.size > MAX_BELIEVED) this.#believed.delete(this.#believed.keys().next().value ?? "");
    return record;
  }

  /** Undefined when there is a key of this id already. */
  async #issue(text: string, given: NewKey, by: string): Promise<IssuedKey | undefined> {
    const [, keyId = "", secret = ""] = KEY.exec(text) ?? [];
    const at = toTime(this.#clock.now());
    const record: ApiKey = {
      key_id: keyId,
      name: given.name,
      role: given.role,
      ...(given.pipelines && { pipelines: [...given.pipelines] }),
      user_id: given.user_id ?? given.name,
      created_at: at,
      created_by: by,
      ...(given.valid_until !== undefined && { valid_until: given.valid_until }),
    };
    const key = keyOf(keyId);
    const item: Item = {
      ...key,
      ...record,
      [HASH_FIELD]: sha256(secret),
      gsi1_pk: PARTITION,
      gsi1_sk: at,
      listed: record,
    };
    const written = await this.#records.write({ ...key, kind: "put", guards: [], item });
    return written.ok ? { key: text, record } : undefined;
  }

  /** `hash`: only while the key has this one. */
  async #change(keyId: string, fields: Readonly<Record<string, string>>, hash?: string): Promise<ApiKey> {
    const key = keyOf(keyId);
    const edits = Object.entries(fields).flatMap(([field, value]) => [
      { op: "set" as const, path: [field], value },
      // The hash stays out of what lists read.
      ...(field === HASH_FIELD ? [] : [{ op: "set" as const, path: ["listed", field], value }]),
    ]);
    const written = await this.#records.write({
      ...key,
      kind: "update",
      guards: [
        hash === undefined
          ? { path: [HASH_FIELD], is: "exists" }
          : { path: [HASH_FIELD], is: "equals", value: hash },
      ],
      edits,
    });
    const record = recordOf(written.item);
    if (!written.ok && record && hash !== undefined)
      throw new StagefoldError("INVALID_INPUT", `The key ${keyId} was rotated at the same time by another.`, {
        issues: ["key_id: expected a key whose secret stays as it is meanwhile"],
      });
    if (!written.ok || !record)
      throw new StagefoldError("INVALID_INPUT", `There is no key ${keyId}.`, {
        issues: ["key_id: expected the id of a key"],
      });
    return apiKeySchema.parse(record);
  }

  #end(keyId: string): void {
    // After the write: a request that comes meanwhile would believe the key again.
    this.#endings += 1;
    this.#believed.delete(keyId);
    for (const listener of this.#revoked) listener(keyId);
  }

  #used(record: KeyRecord): void {
    const now = this.#clock.now();
    if (record.last_used_at !== undefined && now - Date.parse(record.last_used_at) < USE_EVERY_MS) return;
    const last_used_at = toTime(now);
    // Believed at once, so that parallel requests do not all write; no longer than the record that was read.
    const known = this.#believed.get(record.key_id);
    if (known?.record === record)
      this.#believed.set(record.key_id, { ...known, record: { ...record, last_used_at } });
    this.#change(record.key_id, { last_used_at }).catch(() => {
      // The next use of the key tries again; a request is not refused for the sake of a date.
      this.#believed.delete(record.key_id);
    });
  }
}

/** A new key. Those with the same `name` have the same id: only one of them can be made. */
export function newKeyText(name?: string): string {
  const id = name === undefined ? randomBytes(6).toString("hex") : sha256(name).slice(0, 12);
  return `sf_${id}_${newSecret()}`;
}

function keyOf(keyId: string) {
  return { pk: `key#${keyId}`, sk: SORT };
}

function recordOf(item: Item | undefined): KeyRecord | undefined {
  const parsed = recordSchema.safeParse(item);
  return parsed.success ? { ...parsed.data, secret_sha256: String(parsed.data[HASH_FIELD]) } : undefined;
}

function principalOf(record: KeyRecord): Principal {
  return {
    kind: "key",
    id: `key:${record.name}`,
    name: record.name,
    role: record.role,
    user_id: record.user_id,
    pipelines: record.pipelines,
    key_id: record.key_id,
    key_hash: record.secret_sha256,
    ...(record.valid_until !== undefined && { expires_at: Date.parse(record.valid_until) }),
  };
}

function newSecret(): string {
  return randomBytes(24).toString("base64url");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** In a time that does not depend on where they differ. */
function isSame(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
