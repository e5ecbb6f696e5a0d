// Long because: one file has every setting with its form, its meaning and its default.
import { join } from "node:path";
import { ROLES, type Role } from "@stagefold/core";
import { type ModelSettings, parseModelName } from "@stagefold/models";
import { z } from "zod";
import { type Signals, signalsIn } from "./otel-env.ts";

/** Something in the environment is wrong: the sentence names the variable, what was expected and what was found. */
export class EnvError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "EnvError";
  }
}

function whole(min: number, max: number) {
  return z
    .string()
    .regex(/^\d+$/, `a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `a whole number from ${min} to ${max}`);
}

const text = (what: string) => z.string().min(1, what);
const address = z.url({ protocol: /^https?$/, error: "an http:// or https:// address" });
const tableName = z.string().regex(/^[A-Za-z0-9_.-]{3,255}$/, "3 to 255 of A-Z a-z 0-9 _ . -");

const DEFAULT_PORT = 4000;
const MODEL_RULE = "anthropic:<model>, bedrock:<model> or openai-compatible:<model>";
const MAIL_RULE = "an address, such as Stagefold <builds@example.org>";
const ROLE_RULES = "rules between commas, such as groups:platform=admin,*=viewer";

/** Every name that any part of the platform knows: each part accepts all of them. */
const schema = z.object({
  STAGEFOLD_HOST: text("a host name or address").default("127.0.0.1"),
  STAGEFOLD_PORT: whole(0, 65_535).default(DEFAULT_PORT),
  STAGEFOLD_URL: address.optional(),
  STAGEFOLD_PUBLIC_URL: address.optional(),
  STAGEFOLD_PROXY_HOPS: whole(1, 10).default(1),
  STAGEFOLD_DATA_DIR: text("the path of a folder").default(".stagefold"),
  STAGEFOLD_STORE: z.enum(["sqlite", "dynamodb"], { error: "sqlite or dynamodb" }).default("sqlite"),
  STAGEFOLD_SQLITE_SYNC: z.enum(["normal", "full"], { error: "normal or full" }).default("normal"),
  STAGEFOLD_DYNAMODB_ENDPOINT: address.optional(),
  STAGEFOLD_TABLE: tableName.default("AgentProjects"),
  STAGEFOLD_RECORDS_TABLE: tableName.default("StagefoldRecords"),
  STAGEFOLD_FILES: text("the path of a folder, or s3://bucket/prefix")
    .refine((value) => !/^s3:/i.test(value) || parseBucket(value) !== undefined, {
      error: "the path of a folder, or s3://bucket/prefix with the name of a bucket",
    })
    .optional(),
  STAGEFOLD_S3_ENDPOINT: address.optional(),
  STAGEFOLD_S3_DOWNLOADS: z.enum(["served", "presigned"], { error: "served or presigned" }).default("served"),
  STAGEFOLD_PIPELINES: text("the path of a folder").optional(),
  STAGEFOLD_WORKER_CONCURRENCY: whole(1, 1000).default(4),
  STAGEFOLD_LEASE_SECONDS: whole(2, 3600).default(60),
  STAGEFOLD_DRAIN_SECONDS: whole(0, 86_400).default(30),
  STAGEFOLD_STOP_SECONDS: whole(0, 3600).default(5),
  STAGEFOLD_MAX_RUNNING_PER_USER: whole(1, 1_000_000).optional(),
  STAGEFOLD_WORKER_PORT: whole(1, 65_535).optional(),
  STAGEFOLD_LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
      error: "fatal, error, warn, info, debug, trace or silent",
    })
    .default("info"),
  STAGEFOLD_AUTH: z
    .string()
    .regex(/^(none|keys|oidc|keys,oidc|oidc,keys)$/, "none, keys, oidc or keys,oidc")
    .default("none"),
  STAGEFOLD_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{8,8192}$/, "an API key or a token, without blanks")
    .optional(),
  STAGEFOLD_OIDC_ISSUER: address.optional(),
  STAGEFOLD_OIDC_CLIENT_ID: text("the id that the provider knows us by").optional(),
  STAGEFOLD_OIDC_CLIENT_SECRET: text("a secret").optional(),
  STAGEFOLD_OIDC_AUDIENCE: text("what bearer tokens are for").optional(),
  STAGEFOLD_OIDC_USER_CLAIM: text("a claim of the provider's tokens").default("sub"),
  STAGEFOLD_OIDC_ROLES: z
    .string()
    .refine((value) => parseRoleRules(value) !== undefined, ROLE_RULES)
    .optional(),
  STAGEFOLD_WEBHOOK_ADDRESSES: z.enum(["public", "any"], { error: "public or any" }).optional(),
  STAGEFOLD_SMTP_URL: z.url({ protocol: /^smtps?$/, error: "an smtp:// or smtps:// address" }).optional(),
  STAGEFOLD_MAIL_FROM: z
    .string()
    .regex(/^(?:[^\s@<>]+@[^\s@<>]+|[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>)$/, MAIL_RULE)
    .optional(),
  STAGEFOLD_RATE_LIMIT: whole(1, 10_000_000).default(6000),
  STAGEFOLD_SECRETS: text("the path of a file, or ssm:/path/")
    .refine((value) => !/^ssm:/i.test(value) || /^ssm:\/[\w./-]*$/.test(value), {
      error: "the path of a file, or ssm:/path/ with a path of parameters",
    })
    .optional(),
  STAGEFOLD_AGENT_SECRETS: z
    .string()
    .regex(/^(?:\*|[A-Z][A-Z0-9_]{0,63}(?:,[A-Z][A-Z0-9_]{0,63})*)$/, "names of secrets between commas, or *")
    .optional(),
  STAGEFOLD_RETENTION_DAYS: whole(1, 36_500).optional(),
  STAGEFOLD_MODEL: z
    .string()
    .refine((value) => parseModelName(value) !== undefined, MODEL_RULE)
    .optional(),
  STAGEFOLD_MODEL_URL: address.optional(),
  STAGEFOLD_MODEL_PRICES: text("the path of a JSON file").optional(),
  STAGEFOLD_BUDGET_USD: z
    .string()
    .regex(/^\d{1,9}(\.\d{1,6})?$/, "USD for a day, such as 25 or 0.5")
    .transform(Number)
    .optional(),
  STAGEFOLD_AGENT_CONCURRENCY: whole(1, 1000).default(8),
  STAGEFOLD_SESSION_DAYS: whole(1, 36_500).optional(),
  STAGEFOLD_PROJECT_ID: z.string().optional(),
  STAGEFOLD_REQUIREMENT: z.string().optional(),
  STAGEFOLD_INPUT: z.string().optional(),
  STAGEFOLD_STAGE: z.string().optional(),
  STAGEFOLD_ATTEMPT: z.string().optional(),
});

/** Names of earlier versions, and what is said in their place. */
const RETIRED: Readonly<Record<string, string>> = {
  STAGEFOLD_DYNAMODB:
    "Set STAGEFOLD_STORE=dynamodb for Amazon DynamoDB, and STAGEFOLD_DYNAMODB_ENDPOINT where it is another endpoint. Without STAGEFOLD_STORE builds are in a SQLite file of the data folder.",
  STAGEFOLD_ENGINE:
    "The embedded store is SQLite, within the processes themselves: there is no engine to choose.",
  STAGEFOLD_DYNOXIDE:
    "The embedded store is SQLite, within the processes themselves: there is no engine to find.",
};

/** Who has the value in the claim has the role; `*` is everybody whom the provider knows. */
export interface RoleRule {
  readonly claim: string;
  readonly value: string;
  readonly role: Role;
}

export interface OidcSettings {
  /** Such as `https://id.example.org`. */
  readonly issuer: string;
  readonly clientId: string;
  /** Left out for a public client. */
  readonly clientSecret?: string | undefined;
  /** What bearer tokens must be for; the client id unless given. */
  readonly audience?: string | undefined;
  /** The claim that names a user for good: `sub`, or one that the installation knows to be as lasting. */
  readonly userClaim: string;
  readonly roles: readonly RoleRule[];
}

/** A bucket that keeps artifacts, documents and, beside DynamoDB, logs. */
export interface BucketSettings {
  readonly bucket: string;
  /** Without a slash at its ends; may be empty. */
  readonly prefix: string;
  /** Undefined for Amazon's own. */
  readonly endpoint: string | undefined;
  /** Whether programs that download an artifact are sent to the bucket. */
  readonly presigned: boolean;
}

/** How callers say who they are. */
export interface AuthSettings {
  readonly keys: boolean;
  readonly oidc?: OidcSettings | undefined;
  /** Requests a minute of one key, and of one address. */
  readonly ratePerMinute: number;
}

/** The settings of the platform. Seconds and counts as their names say. */
export interface Env {
  readonly host: string;
  readonly port: number;
  /** Of the API, for clients. */
  readonly url: string;
  /** What browsers see behind a proxy. */
  readonly publicUrl: string | undefined;
  /** How many proxies stand before the API and say whom they were asked by. Counts only with a public address. */
  readonly proxyHops: number;
  /** Undefined: no sign-in, and the API serves its own machine alone. */
  readonly auth: AuthSettings | undefined;
  /** Whether webhooks may post to private addresses; undefined: where no caller is asked who it is. */
  readonly privateWebhooks: boolean | undefined;
  /** The server that sends mail, and whom it is from; undefined: none is sent. */
  readonly mail: { readonly url: string; readonly from: string } | undefined;
  /** What clients send to say who they are. */
  readonly key: string | undefined;
  readonly dataDir: string;
  /** Where builds are kept: in a SQLite file of the data folder, or in DynamoDB. */
  readonly store: "sqlite" | "dynamodb";
  /** `full`: what SQLite acknowledged survives a loss of power. */
  readonly sqliteSync: "normal" | "full";
  /** Of DynamoDB; undefined for Amazon's own. */
  readonly dynamodbEndpoint: string | undefined;
  readonly table: string;
  readonly recordsTable: string;
  /** The folder of artifacts and documents; with a bucket, where it is, for people. */
  readonly files: string;
  /** The bucket that has them in the place of a folder. */
  readonly bucket: BucketSettings | undefined;
  /** The folder of the user's own pipelines. */
  readonly pipelines: string | undefined;
  readonly workerConcurrency: number;
  readonly leaseSeconds: number;
  readonly drainSeconds: number;
  /** What a stage that is stopped gets to clean up. */
  readonly stopSeconds: number;
  readonly maxRunningPerUser: number | undefined;
  /** Builds that ended so many days ago are deleted, unless their pipeline says another number; undefined keeps them. */
  readonly retentionDays: number | undefined;
  /** Where secrets are besides the environment: a file, or `ssm:/path/`. */
  readonly secrets: string | undefined;
  /** The names of the secrets that agents may have; undefined: all that they name. */
  readonly agentSecrets: readonly string[] | undefined;
  readonly workerPort: number | undefined;
  /** The language model; undefined: agents are built and answer without one. */
  readonly model: ModelSettings | undefined;
  /** The file of prices over the shipped ones. */
  readonly modelPrices: string | undefined;
  /** USD that may be spent on language models in a day of UTC; no limit where undefined. */
  readonly budgetUsd: number | undefined;
  /** Answers of agents that one API works on at the same time. */
  readonly agentConcurrency: number;
  /** Sessions without activity for so long are removed; undefined: they are kept. */
  readonly sessionDays: number | undefined;
  /** What goes to a collector of OpenTelemetry. */
  readonly signals: Signals;
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
}

/** A secret of stages: the rest of the name is how stages name it. */
const SECRET = /^STAGEFOLD_SECRET_[A-Z][A-Z0-9_]{0,63}$/;

/** The secrets of stages that an environment has, by the names that stages give them. */
export function secretsIn(source: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(source).flatMap(([name, value]) =>
      SECRET.test(name) && value ? [[name.slice("STAGEFOLD_SECRET_".length), value]] : [],
    ),
  );
}

/** What a model is asked with: never kept, never shown. */
export function secretsOfModel({ apiKey, aws }: ModelSettings): string[] {
  return [apiKey, aws?.secretAccessKey, aws?.sessionToken].filter((secret) => secret !== undefined);
}

/** Reads the settings from an environment. Errors: EnvError for an unknown STAGEFOLD_ name or a malformed value. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): Env {
  const given = Object.entries(source).filter(([name]) => name.startsWith("STAGEFOLD_"));
  for (const [name, value] of given)
    if (SECRET.test(name)) continue;
    else if (RETIRED[name] !== undefined && value)
      throw new EnvError(`${name} is no setting any more. ${RETIRED[name]}`);
    else if (RETIRED[name] === undefined && !Object.hasOwn(schema.shape, name))
      throw new EnvError(unknownName(name));
  // An empty value is how a shell leaves a name out.
  const parsed = schema.safeParse(
    Object.fromEntries(
      given.filter(([name, value]) => !SECRET.test(name) && value !== undefined && value !== ""),
    ),
  );
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue?.path[0]);
    throw new EnvError(`${name} must be ${issue?.message}; it is ${shownValue(name, source[name])}.`);
  }
  const env = parsed.data;
  if (env.STAGEFOLD_DYNAMODB_ENDPOINT !== undefined && env.STAGEFOLD_STORE !== "dynamodb")
    throw new EnvError(
      "STAGEFOLD_DYNAMODB_ENDPOINT needs STAGEFOLD_STORE=dynamodb: without it builds would be in SQLite.",
    );
  const named = env.STAGEFOLD_FILES === undefined ? undefined : parseBucket(env.STAGEFOLD_FILES);
  if (env.STAGEFOLD_S3_ENDPOINT !== undefined && !named)
    throw new EnvError(
      "STAGEFOLD_S3_ENDPOINT needs STAGEFOLD_FILES=s3://bucket/prefix: nothing else is in a bucket.",
    );
  const presigned = env.STAGEFOLD_S3_DOWNLOADS === "presigned";
  if (presigned && !named)
    throw new EnvError(
      "STAGEFOLD_S3_DOWNLOADS=presigned needs STAGEFOLD_FILES=s3://bucket/prefix: files of a folder have no address of their own.",
    );
  return {
    host: env.STAGEFOLD_HOST,
    port: env.STAGEFOLD_PORT,
    // A free port has no address that could be known beforehand.
    url: env.STAGEFOLD_URL ?? addressOf(env.STAGEFOLD_HOST, env.STAGEFOLD_PORT || DEFAULT_PORT),
    publicUrl: env.STAGEFOLD_PUBLIC_URL,
    proxyHops: env.STAGEFOLD_PROXY_HOPS,
    auth: authOf(env),
    privateWebhooks: env.STAGEFOLD_WEBHOOK_ADDRESSES && env.STAGEFOLD_WEBHOOK_ADDRESSES === "any",
    mail: mailOf(env),
    key: env.STAGEFOLD_KEY,
    dataDir: env.STAGEFOLD_DATA_DIR,
    store: env.STAGEFOLD_STORE,
    sqliteSync: env.STAGEFOLD_SQLITE_SYNC,
    dynamodbEndpoint: env.STAGEFOLD_DYNAMODB_ENDPOINT,
    table: env.STAGEFOLD_TABLE,
    recordsTable: env.STAGEFOLD_RECORDS_TABLE,
    files: env.STAGEFOLD_FILES ?? join(env.STAGEFOLD_DATA_DIR, "files"),
    bucket: named && { ...named, endpoint: env.STAGEFOLD_S3_ENDPOINT, presigned },
    pipelines: env.STAGEFOLD_PIPELINES,
    workerConcurrency: env.STAGEFOLD_WORKER_CONCURRENCY,
    leaseSeconds: env.STAGEFOLD_LEASE_SECONDS,
    drainSeconds: env.STAGEFOLD_DRAIN_SECONDS,
    stopSeconds: env.STAGEFOLD_STOP_SECONDS,
    maxRunningPerUser: env.STAGEFOLD_MAX_RUNNING_PER_USER,
    retentionDays: env.STAGEFOLD_RETENTION_DAYS,
    secrets: env.STAGEFOLD_SECRETS,
    agentSecrets: agentSecretsOf(env),
    workerPort: env.STAGEFOLD_WORKER_PORT,
    model: modelOf(env, source),
    modelPrices: env.STAGEFOLD_MODEL_PRICES,
    budgetUsd: env.STAGEFOLD_BUDGET_USD,
    agentConcurrency: env.STAGEFOLD_AGENT_CONCURRENCY,
    sessionDays: env.STAGEFOLD_SESSION_DAYS,
    signals: signalsIn(source, (name, expected) => {
      throw new EnvError(`${name} must be ${expected}; it is ${shownValue(name, source[name])}.`);
    }),
    logLevel: env.STAGEFOLD_LOG_LEVEL,
  };
}

/** `s3://bucket` or `s3://bucket/prefix`. Undefined when it is not that. */
function parseBucket(text: string): { bucket: string; prefix: string } | undefined {
  const [, bucket, prefix = ""] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9!_.*'()/-]{0,200}))?$/i.exec(text) ?? [];
  const parts = prefix.split("/").filter((part) => part !== "");
  return bucket === undefined || parts.includes("..") ? undefined : { bucket, prefix: parts.join("/") };
}

/** Who may publish an agent chooses what it names: where callers have roles, an operator says what agents may have. */
function agentSecretsOf(env: z.output<typeof schema>): string[] | undefined {
  const given = env.STAGEFOLD_AGENT_SECRETS;
  if (given === "*" || (given === undefined && env.STAGEFOLD_AUTH === "none")) return undefined;
  return given?.split(",") ?? [];
}

function authOf(env: z.output<typeof schema>): AuthSettings | undefined {
  if (env.STAGEFOLD_AUTH === "none") return undefined;
  const ways = env.STAGEFOLD_AUTH.split(",");
  const oidc = ways.includes("oidc") ? oidcOf(env) : undefined;
  return { keys: ways.includes("keys"), ...(oidc && { oidc }), ratePerMinute: env.STAGEFOLD_RATE_LIMIT };
}

function mailOf({
  STAGEFOLD_SMTP_URL: url,
  STAGEFOLD_MAIL_FROM: from,
}: z.output<typeof schema>): Env["mail"] {
  if (url !== undefined && from !== undefined) return { url, from };
  if (url !== undefined) throw new EnvError("STAGEFOLD_SMTP_URL needs STAGEFOLD_MAIL_FROM.");
  if (from !== undefined) throw new EnvError("STAGEFOLD_MAIL_FROM needs STAGEFOLD_SMTP_URL.");
  return undefined;
}

function oidcOf(env: z.output<typeof schema>): OidcSettings {
  const needed = (name: "STAGEFOLD_OIDC_ISSUER" | "STAGEFOLD_OIDC_CLIENT_ID" | "STAGEFOLD_OIDC_ROLES") => {
    const value = env[name];
    if (value === undefined) throw new EnvError(`STAGEFOLD_AUTH=${env.STAGEFOLD_AUTH} needs ${name}.`);
    return value;
  };
  const [secret, audience] = [env.STAGEFOLD_OIDC_CLIENT_SECRET, env.STAGEFOLD_OIDC_AUDIENCE];
  return {
    issuer: needed("STAGEFOLD_OIDC_ISSUER"),
    clientId: needed("STAGEFOLD_OIDC_CLIENT_ID"),
    ...(secret !== undefined && { clientSecret: secret }),
    ...(audience !== undefined && { audience }),
    userClaim: env.STAGEFOLD_OIDC_USER_CLAIM,
    roles: parseRoleRules(needed("STAGEFOLD_OIDC_ROLES")) ?? [],
  };
}

/** The model with the credentials that its provider's own names have. */
function modelOf(
  env: z.output<typeof schema>,
  source: Readonly<Record<string, string | undefined>>,
): ModelSettings | undefined {
  const named = env.STAGEFOLD_MODEL === undefined ? undefined : parseModelName(env.STAGEFOLD_MODEL);
  if (named === undefined) return undefined;
  const url = env.STAGEFOLD_MODEL_URL;
  const given = (name: string) => source[name] || undefined;
  const needed = (name: string, value: string | undefined) => {
    if (value === undefined) throw new EnvError(`STAGEFOLD_MODEL=${env.STAGEFOLD_MODEL} needs ${name}.`);
    return value;
  };
  switch (named.provider) {
    case "anthropic":
      return { ...named, url, apiKey: needed("ANTHROPIC_API_KEY", given("ANTHROPIC_API_KEY")) };
    case "openai-compatible":
      // Servers of one's own often want no key.
      return { ...named, url: needed("STAGEFOLD_MODEL_URL", url), apiKey: given("OPENAI_API_KEY") };
    case "bedrock":
      return {
        ...named,
        url,
        apiKey: given("AWS_BEARER_TOKEN_BEDROCK"),
        aws: {
          region: needed("AWS_REGION", given("AWS_REGION") ?? given("AWS_DEFAULT_REGION")),
          accessKeyId: given("AWS_ACCESS_KEY_ID"),
          secretAccessKey: given("AWS_SECRET_ACCESS_KEY"),
          sessionToken: given("AWS_SESSION_TOKEN"),
        },
      };
    default:
      return named.provider satisfies never;
  }
}

/** Rules between commas, `<claim>:<value>=<role>` or `*=<role>`. Undefined when it is not that. */
export function parseRoleRules(text: string): RoleRule[] | undefined {
  const rules = text.split(",").flatMap((rule) => {
    const [, claim, value, name] = /^\s*(?:([^:=\s]+):([^=]+)|\*)=([a-z]+)\s*$/.exec(rule) ?? [];
    const role = ROLES.find((one) => one === name);
    return role ? [{ claim: claim ?? "sub", value: value?.trim() ?? "*", role }] : [];
  });
  return rules.length === text.split(",").length ? rules : undefined;
}

/** A value for an error message: what may be secret, as an address with a password, is not printed. */
function shownValue(name: string, value: string | undefined): string {
  const secret = /SECRET|KEY|URL|ENDPOINT/.test(name) && name !== "STAGEFOLD_SECRETS";
  return secret ? "something else (not shown)" : JSON.stringify(value);
}

/** Addresses to listen on that stand for every one of this machine, with one at which it is reached. */
const EVERY_ADDRESS: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Where clients on this machine find what listens there. */
export function addressOf(host: string, port: number): string {
  const name = EVERY_ADDRESS[host] ?? host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

function unknownName(name: string): string {
  const known = Object.keys(schema.shape);
  const near = known.find(
    (other) => other.replaceAll("_", "") === name.replaceAll("_", "") || distance(other, name) <= 2,
  );
  const hint = near === undefined ? `Known names are ${known.join(", ")}.` : `Did you mean ${near}?`;
  return `${name} is not a setting of Stagefold. ${hint}`;
}

/** Letters to change, add or leave out to get from one word to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
