import { readFile, stat } from "node:fs/promises";
import { parseEnv } from "node:util";
import { StagefoldError } from "@stagefold/core";

/** Where the secrets of stages and agents come from. */
export interface SecretSource {
  /** Those that it has of these names. Errors: what keeps it from being read. */
  get(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** A stage needs what its worker does not have: the stage does not start. */
export class MissingSecretError extends Error {
  constructor(stage: string, names: readonly string[]) {
    const [one = ""] = names;
    const what = names.length === 1 ? `the secret ${one}` : `the secrets ${names.join(", ")}`;
    super(
      `The stage ${stage} needs ${what}, which this worker does not have: set STAGEFOLD_SECRET_${one}, or STAGEFOLD_SECRETS.`,
    );
    this.name = "MissingSecretError";
  }
}

export interface SecretOptions {
  /** By name, as the environment of this process has them; they go before all others. */
  readonly given: Readonly<Record<string, string>>;
  /** The path of a file, or `ssm:/path/`. */
  readonly from: string | undefined;
  /** The names that may be asked for; all of them unless given. */
  readonly only?: readonly string[] | undefined;
}

const SSM = "ssm:";
/** Parameters that one request may name. */
const SSM_NAMES = 10;
/** A parameter that was read is believed so long, in milliseconds. */
const SSM_FRESH_MS = 60_000;

export function secretSource({ given, from, only }: SecretOptions): SecretSource {
  const other =
    from === undefined ? undefined : from.startsWith(SSM) ? ssm(from.slice(SSM.length)) : file(from);
  return {
    get: async (asked) => {
      const names = asked.filter((name) => only?.includes(name) !== false);
      const found = new Map<string, string>();
      for (const name of names) if (Object.hasOwn(given, name)) found.set(name, given[name] ?? "");
      const left = names.filter((name) => !found.has(name));
      if (other !== undefined && left.length > 0)
        for (const [name, value] of await other.get(left)) found.set(name, value);
      return found;
    },
  };
}

/** `NAME=value` lines, read each time: what is changed is used by the next stage. */
function file(path: string): SecretSource {
  return {
    get: async (names) => {
      const found = new Map<string, string>();
      const values = await readSecrets(path);
      for (const name of names) {
        const value = Object.hasOwn(values, name) ? values[name] : undefined;
        if (value !== undefined) found.set(name, value);
      }
      return found;
    },
  };
}

async function readSecrets(path: string): Promise<NodeJS.Dict<string>> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new Error(
        `expected a file that its owner alone may read (chmod 600), found mode ${(mode & 0o777).toString(8)}`,
      );
    return parseEnv(await readFile(path, "utf8"));
  } catch (cause) {
    throw unreadable(`the file ${path}`, cause);
  }
}

/** Parameters `<path><NAME>` of AWS Systems Manager, decrypted. */
function ssm(path: string): SecretSource {
  const prefix = path.endsWith("/") ? path : `${path}/`;
  const known = new Map<string, { readonly value: string; readonly at: number }>();
  const load = async (names: readonly string[]) => {
    // Loaded where it is used: Amazon's SDK takes longer to load than everything else together.
    const { GetParametersCommand, SSMClient } = await import("@aws-sdk/client-ssm");
    const client = new SSMClient({ maxAttempts: 3 });
    try {
      for (let from = 0; from < names.length; from += SSM_NAMES) {
        const Names = names.slice(from, from + SSM_NAMES).map((name) => prefix + name);
        const { Parameters = [] } = await client.send(
          new GetParametersCommand({ Names, WithDecryption: true }),
        );
        for (const { Name = "", Value } of Parameters)
          if (Value !== undefined)
            known.set(Name.slice(prefix.length), { value: Value, at: performance.now() });
      }
    } catch (cause) {
      throw unreadable(`the parameters below ${prefix}`, cause);
    } finally {
      client.destroy();
    }
  };
  return {
    get: async (names) => {
      const isFresh = (name: string) =>
        performance.now() - (known.get(name)?.at ?? -SSM_FRESH_MS) < SSM_FRESH_MS;
      const stale = names.filter((name) => !isFresh(name));
      for (const name of stale) known.delete(name);
      if (stale.length > 0) await load(stale);
      return new Map(
        names.flatMap((name) => {
          const found = known.get(name);
          return found ? [[name, found.value] as const] : [];
        }),
      );
    },
  };
}

/** This process's trouble: another one may have what it cannot read. */
function unreadable(what: string, cause: unknown): StagefoldError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `The secrets cannot be read: ${what}: ${reason}`;
  return new StagefoldError("STORE_UNAVAILABLE", message, { retry_after: 5 }, { cause });
}
