import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
} from "@aws-sdk/client-dynamodb";
import type { StoreClock } from "./store-clock.ts";
import type { Answer, Request, Transport } from "./transport.ts";
import { fromWire, toWire } from "./wire.ts";

/** Local engines want a signature and check nothing in it. */
const AUTHORIZATION =
  "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

/**
 * Requests to a given endpoint without the SDK's layers, which cost three times what is left: nothing to be looked
 * up, nothing to be signed. Sockets, time limits and the rules of repeating are the client's own.
 */
export class DirectTransport implements Transport {
  readonly #config: DynamoDBClient["config"];
  readonly #clock: StoreClock | undefined;
  readonly #target: { protocol: string; hostname: string; port?: number; path: string };

  constructor(client: DynamoDBClient, endpoint: URL, clock: StoreClock | undefined) {
    this.#config = client.config;
    this.#clock = clock;
    this.#target = {
      protocol: endpoint.protocol,
      hostname: endpoint.hostname.replace(/^\[|\]$/g, ""),
      ...(endpoint.port !== "" && { port: Number(endpoint.port) }),
      path: endpoint.pathname,
    };
  }

  async send(request: Request): Promise<Answer> {
    const body = Buffer.from(JSON.stringify(toWire(request)));
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

  async #attempt(operation: string, body: Buffer): Promise<object> {
    const sentAt = Date.now();
    const { response } = await this.#config.requestHandler.handle({
      ...this.#target,
      method: "POST",
      query: {},
      headers: {
        host:
          this.#target.port === undefined
            ? this.#target.hostname
            : `${this.#target.hostname}:${this.#target.port}`,
        "content-type": "application/x-amz-json-1.0",
        "content-length": String(body.length),
        "x-amz-target": `DynamoDB_20120810.${operation}`,
        "x-amz-date": "20260101T000000Z",
        authorization: AUTHORIZATION,
      },
      body,
    });
    this.#clock?.heard(response.headers.date, sentAt, Date.now());
    const parts: Uint8Array[] = [];
    for await (const part of response.body) parts.push(part);
    const answer = parsed(Buffer.concat(parts).toString("utf8"), response.statusCode);
    if (response.statusCode === 200) return answer;
    throw serviceError(answer, response.statusCode);
  }
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
