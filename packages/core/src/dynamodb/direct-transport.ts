/// <reference path="./undici-pool.d.ts" />
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
} from "@aws-sdk/client-dynamodb";
// Not the whole of it: with fetch and WebSockets it takes three times as long to load.
import Pool from "undici/lib/dispatcher/pool.js";
import type { StoreClock } from "./store-clock.ts";
import type { Answer, Request, Transport } from "./transport.ts";
import { fromWire, toWire } from "./wire.ts";

/** Local engines want a signature and check nothing in it. */
const AUTHORIZATION =
  "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

/** Limits of one attempt, in milliseconds. */
export interface TimeLimits {
  readonly connectMs: number;
  readonly requestMs: number;
}

/** Requests at once; more of them wait for a socket. */
const SOCKETS = 64;

/**
 * Requests to a given endpoint without the SDK's layers, which cost three times what is left: nothing to be looked
 * up, nothing to be signed. The rules of repeating are the client's own.
 */
export class DirectTransport implements Transport {
  readonly #config: DynamoDBClient["config"];
  readonly #clock: StoreClock | undefined;
  readonly #sockets: InstanceType<typeof Pool>;
  readonly #path: string;

  constructor(client: DynamoDBClient, endpoint: URL, limits: TimeLimits, clock: StoreClock | undefined) {
    this.#config = client.config;
    this.#clock = clock;
    this.#path = endpoint.pathname;
    this.#sockets = new Pool(endpoint.origin, {
      connections: SOCKETS,
      connect: { timeout: limits.connectMs },
      headersTimeout: limits.requestMs,
      bodyTimeout: limits.requestMs,
    });
  }

  /** Requests that are under way fail. */
  destroy(): void {
    void this.#sockets.destroy();
  }

  async send(request: Request): Promise<Answer> {
    const body = JSON.stringify(toWire(request));
    const retries = await this.#config.retryStrategy();
    if (!("acquireInitialRetryToken" in retries)) throw new TypeError("expected the SDK's retry strategy");
    let token = await retries.acquireInitialRetryToken("");
    for (let attempts = 1; ; attempts++) {
      try {
        const answer = await this.#attempt(request.operation, body);
        retries.recordSuccess(token);
        return { ...fromWire(answer), $metadata: { attempts } };
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        const errorType = errorTypeOf(error);
        if (errorType === "CLIENT_ERROR") throw withAttempts(error, attempts);
        try {
          token = await retries.refreshRetryTokenForRetry(token, { errorType });
        } catch {
          // No attempt is left: what went wrong is the answer, not that.
          throw withAttempts(error, attempts);
        }
      }
    }
  }

  async #attempt(operation: string, body: string): Promise<object> {
    const sentAt = Date.now();
    const { statusCode, date, text } = await this.#exchange(operation, body);
    this.#clock?.heard(date, sentAt, Date.now());
    const answer = parsed(text, statusCode);
    if (statusCode === 200) return answer;
    throw serviceError(answer, statusCode);
  }

  #exchange(operation: string, body: string): Promise<Exchanged> {
    const headers = {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      "x-amz-date": "20260101T000000Z",
      authorization: AUTHORIZATION,
    };
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let statusCode = 0;
      let date: string | undefined;
      this.#sockets.dispatch(
        { path: this.#path, method: "POST", headers, body },
        {
          // Without it an older form of this interface is expected.
          onRequestStart: () => undefined,
          onResponseStart: (_, status, { date: told }) => {
            statusCode = status;
            date = typeof told === "string" ? told : undefined;
          },
          onResponseData: (_, part) => {
            parts.push(part);
          },
          onResponseEnd: () => resolve({ statusCode, date, text: Buffer.concat(parts).toString("utf8") }),
          onResponseError: (_, error) => reject(error),
        },
      );
    });
  }
}

interface Exchanged {
  readonly statusCode: number;
  readonly date: string | undefined;
  readonly text: string;
}

interface Failure {
  readonly __type?: string;
  readonly message?: string;
  readonly Message?: string;
  readonly Item?: Record<string, AttributeValue>;
}

function parsed(text: string, httpStatusCode: number): object {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  // Cut short, or from something in between that is no DynamoDB: worth another attempt.
  throw new DynamoDBServiceException({
    name: "InternalServerError",
    message: `The answer is not JSON: ${text.slice(0, 200)}`,
    $fault: "server",
    $metadata: { httpStatusCode: httpStatusCode < 400 ? 502 : httpStatusCode },
  });
}

function serviceError(failure: Failure, httpStatusCode: number): DynamoDBServiceException {
  const name = failure.__type?.split("#").at(-1) ?? "UnknownError";
  const message = failure.message ?? failure.Message ?? name;
  const $metadata = { httpStatusCode };
  if (name === "ConditionalCheckFailedException")
    return new ConditionalCheckFailedException({ message, $metadata, Item: failure.Item });
  const $fault = httpStatusCode < 500 ? "client" : "server";
  return new DynamoDBServiceException({ name, message, $fault, $metadata });
}

const THROTTLING = new Set([
  "ThrottlingException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "LimitExceededException",
]);

/** What the SDK's strategy goes by. A request that the store called wrong is not sent again. */
function errorTypeOf(error: Error): "THROTTLING" | "TRANSIENT" | "CLIENT_ERROR" {
  // No answer of the service: refused, reset, timed out.
  if (!(error instanceof DynamoDBServiceException)) return "TRANSIENT";
  if (THROTTLING.has(error.name) || error.$metadata.httpStatusCode === 429) return "THROTTLING";
  return (error.$metadata.httpStatusCode ?? 500) >= 500 ? "TRANSIENT" : "CLIENT_ERROR";
}

function withAttempts(error: Error, attempts: number): Error {
  const known = error instanceof DynamoDBServiceException ? error.$metadata : {};
  return Object.assign(error, { $metadata: { ...known, attempts } });
}
