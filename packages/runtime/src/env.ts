import { z } from "zod";

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
const dynamodb = z
  .string()
  .refine(
    (value) => value === "embedded" || value === "aws" || address.safeParse(value).success,
    "embedded, aws, or the http:// or https:// address of an endpoint",
  );

const DEFAULT_PORT = 4000;

/** Every name that any part of the platform knows: each part accepts all of them. */
const schema = z.object({
  STAGEFOLD_HOST: text("a host name or address").default("127.0.0.1"),
  STAGEFOLD_PORT: whole(0, 65_535).default(DEFAULT_PORT),
  STAGEFOLD_URL: address.optional(),
  STAGEFOLD_DATA_DIR: text("the path of a folder").default(".stagefold"),
  STAGEFOLD_TABLE: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{3,255}$/, "3 to 255 of A-Z a-z 0-9 _ . -")
    .default("AgentProjects"),
  STAGEFOLD_DYNAMODB: dynamodb.default("embedded"),
  STAGEFOLD_PIPELINES: text("the path of a folder").optional(),
  STAGEFOLD_ENGINE: z
    .enum(["auto", "dynoxide", "dynalite"], { error: "auto, dynoxide or dynalite" })
    .default("auto"),
  STAGEFOLD_DYNOXIDE: text("the path of the dynoxide binary").optional(),
  STAGEFOLD_WORKER_CONCURRENCY: whole(1, 1000).default(4),
  STAGEFOLD_LEASE_SECONDS: whole(2, 3600).default(60),
  STAGEFOLD_DRAIN_SECONDS: whole(0, 86_400).default(30),
  STAGEFOLD_MAX_RUNNING_PER_USER: whole(1, 1_000_000).optional(),
  STAGEFOLD_WORKER_PORT: whole(1, 65_535).optional(),
  STAGEFOLD_LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
      error: "fatal, error, warn, info, debug, trace or silent",
    })
    .default("info"),
  STAGEFOLD_PROJECT_ID: z.string().optional(),
  STAGEFOLD_REQUIREMENT: z.string().optional(),
  STAGEFOLD_STAGE: z.string().optional(),
  STAGEFOLD_ATTEMPT: z.string().optional(),
});

/** The settings of the platform. Seconds and counts as their names say. */
export interface Env {
  readonly host: string;
  readonly port: number;
  /** Of the API, for clients. */
  readonly url: string;
  readonly dataDir: string;
  readonly table: string;
  /** `embedded`, `aws`, or the address of an endpoint. */
  readonly dynamodb: string;
  /** The folder of the user's own pipelines. */
  readonly pipelines: string | undefined;
  readonly engine: "auto" | "dynoxide" | "dynalite";
  readonly dynoxide: string | undefined;
  readonly workerConcurrency: number;
  readonly leaseSeconds: number;
  readonly drainSeconds: number;
  readonly maxRunningPerUser: number | undefined;
  readonly workerPort: number | undefined;
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
}

/** Reads the settings from an environment. Errors: EnvError for an unknown STAGEFOLD_ name or a malformed value. */
export function parseEnv(source: Readonly<Record<string, string | undefined>>): Env {
  const given = Object.entries(source).filter(([name]) => name.startsWith("STAGEFOLD_"));
  for (const [name] of given) if (!Object.hasOwn(schema.shape, name)) throw new EnvError(unknownName(name));
  // An empty value is how a shell leaves a name out.
  const parsed = schema.safeParse(
    Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== "")),
  );
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue?.path[0]);
    throw new EnvError(`${name} must be ${issue?.message}; it is ${JSON.stringify(source[name])}.`);
  }
  const env = parsed.data;
  return {
    host: env.STAGEFOLD_HOST,
    port: env.STAGEFOLD_PORT,
    url: env.STAGEFOLD_URL ?? urlOf(env.STAGEFOLD_HOST, env.STAGEFOLD_PORT),
    dataDir: env.STAGEFOLD_DATA_DIR,
    table: env.STAGEFOLD_TABLE,
    dynamodb: env.STAGEFOLD_DYNAMODB,
    pipelines: env.STAGEFOLD_PIPELINES,
    engine: env.STAGEFOLD_ENGINE,
    dynoxide: env.STAGEFOLD_DYNOXIDE,
    workerConcurrency: env.STAGEFOLD_WORKER_CONCURRENCY,
    leaseSeconds: env.STAGEFOLD_LEASE_SECONDS,
    drainSeconds: env.STAGEFOLD_DRAIN_SECONDS,
    maxRunningPerUser: env.STAGEFOLD_MAX_RUNNING_PER_USER,
    workerPort: env.STAGEFOLD_WORKER_PORT,
    logLevel: env.STAGEFOLD_LOG_LEVEL,
  };
}

/** Where clients find an API that listens there. A free port has no address that could be known beforehand. */
function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port === 0 ? DEFAULT_PORT : port}`;
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
