import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import {
  type Clock,
  canonicalJson,
  type Project,
  projectIdSchema,
  type RecordStore,
  StagefoldError,
  stageKeySchema,
  timeSchema,
  toTime,
} from "@stagefold/core";
import { z } from "zod";

/** How long a link to a gate without a time-out is good for. Milliseconds. */
const MAX_LINK_MS = 30 * 24 * 60 * 60 * 1000;
const MAX_TOKEN_LENGTH = 2000;
const KEY = { pk: "secrets#answer-links", sk: "secret" };

/** What a link is signed for: one question of one run of one build. */
const grantSchema = z.strictObject({
  project_id: projectIdSchema,
  stage: stageKeySchema,
  run: z.number().int(),
  since: timeSchema,
  /** The digest of the question and of what may be answered. */
  question: z.string(),
  /** For whom it was made: the answer is recorded as `link:<name>`. */
  name: z.string(),
  /** The API key of the one who made it: the link ends with it. */
  key_id: z.string().optional(),
  until: timeSchema,
});
export type Grant = z.output<typeof grantSchema>;

type Waiting = NonNullable<Project["waiting"]>;

/**
 * Tokens with which a person answers one gate without signing in: a grant and its HMAC. The key is one record that all
 * API processes share, made by the first that needs it.
 */
export class AnswerLinks {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  #key: Promise<Buffer> | undefined;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** A token for the gate that is open; undefined when none is. */
  async make(
    project: Project,
    { name, key_id }: Pick<Grant, "name" | "key_id">,
  ): Promise<{ token: string; expires_at: string; waiting: Waiting } | undefined> {
    const { project_id, run } = project;
    if (project.status !== "waiting") return undefined;
    const { waiting } = project;
    const until = waiting.expires_at ?? toTime(this.#clock.now() + MAX_LINK_MS);
    const grant: Grant = {
      project_id,
      stage: waiting.stage,
      run,
      since: waiting.since,
      question: questionDigest(waiting),
      name,
      ...(key_id !== undefined && { key_id }),
      until,
    };
    const text = Buffer.from(JSON.stringify(grant)).toString("base64url");
    return { token: `${text}.${await this.#sign(text)}`, expires_at: until, waiting };
  }

  /** What the token was signed for; its time may be over. Errors: UNAUTHENTICATED. */
  async read(token: string): Promise<Grant> {
    const [text = "", signature = "", ...more] = token.slice(0, MAX_TOKEN_LENGTH + 1).split(".");
    const expected = Buffer.from(await this.#sign(text));
    const found = Buffer.from(signature);
    const isSigned =
      token.length <= MAX_TOKEN_LENGTH &&
      expected.length === found.length &&
      timingSafeEqual(expected, found);
    if (!isSigned || more.length > 0) throw notValid();
    const grant = grantSchema.safeParse(JSON.parse(Buffer.from(text, "base64url").toString()));
    if (!grant.success) throw notValid();
    return grant.data;
  }

  isOver({ until }: Grant): boolean {
    return until <= toTime(this.#clock.now());
  }

  async #sign(text: string): Promise<string> {
    this.#key ??= this.#readKey().catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    });
    return createHmac("sha256", await this.#key)
      .update(text)
      .digest("base64url");
  }

  /** A put needs that there is none: of processes that start together one makes the key of all. */
  async #readKey(): Promise<Buffer> {
    const stored = await this.#records.get(KEY);
    if (stored) return keyOf(stored);
    const item = { ...KEY, secret: randomBytes(32).toString("base64url") };
    const written = await this.#records.write({ ...KEY, kind: "put", guards: [], item });
    return keyOf(written.ok ? item : await this.#records.get(KEY));
  }
}

function keyOf(item: unknown): Buffer {
  return Buffer.from(z.object({ secret: z.string().length(43) }).parse(item).secret, "base64url");
}

export function questionDigest({ question, answer_schema, accept }: Waiting): string {
  return createHash("sha256").update(canonicalJson({ question, answer_schema, accept })).digest("base64url");
}

export function notValid(): StagefoldError<"UNAUTHENTICATED"> {
  return new StagefoldError("UNAUTHENTICATED", "The link is not valid, or not valid any more.", {});
}
