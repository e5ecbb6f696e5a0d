import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { z } from "zod";
import { DirectTransport, type TimeLimits } from "./direct-transport.ts";
import type { StoreClock } from "./store-clock.ts";
import { SdkTransport, type Transport } from "./transport.ts";

export interface ClientOptions {
  /** Left out: Amazon DynamoDB, with the usual AWS settings. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** Milliseconds for one attempt of a request. */
  readonly requestTimeoutMs?: number;
  /** Attempts of a request, the first included. */
  readonly maxAttempts?: number;
  /** Hears the time of the store with every answer, refusals included. */
  readonly clock?: StoreClock;
}

/** A client with its limits said: an attempt ends, and retries are counted. */
export function createDynamoClient(options: ClientOptions = {}): DynamoDBClient {
  const local = options.endpoint !== undefined;
  const client = withoutVersionWarning(() => newClient(options, local));
  if (options.clock) tellTime(client, options.clock);
  return client;
}

/** A client of a given endpoint, which needs no account: its store may go to it directly. */
class EndpointClient extends DynamoDBClient {
  readonly direct: DirectTransport;

  constructor(
    config: DynamoDBClientConfig,
    endpoint: string,
    limits: TimeLimits,
    clock: StoreClock | undefined,
  ) {
    super({ ...config, endpoint });
    this.direct = new DirectTransport(this, new URL(endpoint), limits, clock);
  }

  override destroy(): void {
    super.destroy();
    this.direct.destroy();
  }
}

/** The least costly way for a store's requests. */
export function transportOf(client: DynamoDBClient): Transport {
  return client instanceof EndpointClient ? client.direct : new SdkTransport(client);
}

const answerSchema = z.object({ headers: z.object({ date: z.string() }) });

/** Next to the wire: before a refusal becomes an error, and once for each attempt. */
function tellTime(client: DynamoDBClient, clock: StoreClock): void {
  client.middlewareStack.add(
    (next) => async (given) => {
      const sentAt = Date.now();
      const answer = await next(given);
      clock.heard(answerSchema.safeParse(answer.response).data?.headers.date, sentAt, Date.now());
      return answer;
    },
    { step: "deserialize", name: "tellTime", priority: "low" },
  );
}

function newClient(options: ClientOptions, local: boolean): DynamoDBClient {
  const limits = { connectMs: 2000, requestMs: options.requestTimeoutMs ?? 5000 };
  const config: DynamoDBClientConfig = {
    ...(local && {
      region: options.region ?? "local",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    }),
    ...(!local && options.region !== undefined && { region: options.region }),
    maxAttempts: options.maxAttempts ?? 4,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: limits.connectMs,
      requestTimeout: limits.requestMs,
      // Alone, requestTimeout only warns.
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
  };
  return options.endpoint === undefined
    ? new DynamoDBClient(config)
    : new EndpointClient(config, options.endpoint, limits, options.clock);
}

/** The SDK warns of each Node below its next major at every start. Its version is locked here: nothing follows from it. */
function withoutVersionWarning<T>(make: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith("NodeVersionSupportWarning"))
      Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}
