import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

export interface ClientOptions {
  /** Left out: Amazon DynamoDB, with the usual AWS settings. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** Milliseconds for one attempt of a request. */
  readonly requestTimeoutMs?: number;
  /** Attempts of a request, the first included. */
  readonly maxAttempts?: number;
}

/** A client with its limits said: an attempt ends, and retries are counted. */
export function createDynamoClient(options: ClientOptions = {}): DynamoDBClient {
  const local = options.endpoint !== undefined;
  return withoutVersionWarning(() => newClient(options, local));
}

function newClient(options: ClientOptions, local: boolean): DynamoDBClient {
  return new DynamoDBClient({
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(local && {
      region: options.region ?? "local",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    }),
    ...(!local && options.region !== undefined && { region: options.region }),
    maxAttempts: options.maxAttempts ?? 4,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: 2000,
      requestTimeout: options.requestTimeoutMs ?? 5000,
      // Alone, requestTimeout only warns.
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
  });
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
