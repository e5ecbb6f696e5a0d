import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { z } from "zod";
import type { StoreClock } from "./store-clock.ts";
import { withoutVersionWarning } from "./version-warning.ts";

export interface ClientOptions {
  /** Left out: Amazon DynamoDB. Amazon's own endpoints are used with the usual AWS settings. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** Milliseconds for one attempt of a request. */
  readonly requestTimeoutMs?: number;
  /** Attempts of a request, the first included. */
  readonly maxAttempts?: number;
  /** Observes the time of the store with every answer, refusals included. */
  readonly clock?: StoreClock;
}

/** A client with its limits said: an attempt ends, and retries are counted. */
export function createDynamoClient(options: ClientOptions = {}): DynamoDBClient {
  const client = withoutVersionWarning(() => newClient(options));
  if (options.clock) observeTime(client, options.clock);
  return client;
}

const answerSchema = z.object({ headers: z.object({ date: z.string() }) });

/** Next to the wire: before a refusal becomes an error, and once for each attempt. */
function observeTime(client: DynamoDBClient, clock: StoreClock): void {
  client.middlewareStack.add(
    (next) => async (given) => {
      const sentAt = Date.now();
      const answer = await next(given);
      clock.observe(answerSchema.safeParse(answer.response).data?.headers.date, sentAt, Date.now());
      return answer;
    },
    { step: "deserialize", name: "observeTime", priority: "low" },
  );
}

function newClient({ endpoint, region, requestTimeoutMs, maxAttempts }: ClientOptions): DynamoDBClient {
  const amazons = endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
  // Other engines want a region and a signature, and check nothing in them.
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  return new DynamoDBClient({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(!amazons && { region: region ?? "local", credentials }),
    maxAttempts: maxAttempts ?? 4,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: 2000,
      requestTimeout: requestTimeoutMs ?? 5000,
      // Alone, requestTimeout only warns.
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
  });
}
