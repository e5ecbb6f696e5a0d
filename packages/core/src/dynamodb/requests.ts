import {
  ConditionalCheckFailedException,
  type ConsumedCapacity,
  type DynamoDBClient,
  DynamoDBServiceException,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { StagefoldError } from "../errors.ts";
import type { Item, TransitionName } from "../patch/index.ts";

/**
 * JSON numbers as they are: the SDK by itself refuses to write, and reads as BigInt, those beyond 2^53, which a stage's
 * output may well have.
 */
const wrapNumbers = (digits: string) => Number(digits);

/** Settings of a document client, which adds to them. */
export function translation() {
  return {
    marshallOptions: {
      removeUndefinedValues: true,
      allowImpreciseNumbers: true,
      // Not for classes, which no input has: a map with a name `constructor` is taken for an instance of one.
      convertClassInstanceToMap: true,
    },
    unmarshallOptions: { wrapNumbers },
  };
}

/** One request to DynamoDB, for counters. */
export interface RequestInfo {
  readonly operation: "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "Query" | "BatchGetItem";
  readonly transition?: TransitionName;
  readonly project_id?: string;
}

/** How a request ended. */
export interface RequestEnd {
  readonly ms: number;
  readonly ok: boolean;
  /** Not ok because a condition did not hold: the store answered, and bills it like a write. */
  readonly conditionFailed: boolean;
  /** What the store says that it used, in capacity units of reading or writing; of a refusal it says nothing. */
  readonly units?: number;
}

export type RequestListener = (request: RequestInfo & RequestEnd) => void;

/** What an answer may say of its cost. */
interface Consumed {
  readonly ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] | undefined;
}

/** Every answer says what it used, for the counters: a few bytes. */
const RETURN_CAPACITY = { ReturnConsumedCapacity: "TOTAL" } as const;

/** Sends requests, reports each to the listener, and turns what goes wrong into typed errors. */
export class Requests {
  readonly #documents: DynamoDBDocumentClient;
  readonly #listener: RequestListener | undefined;

  constructor(client: DynamoDBClient, listener: RequestListener | undefined) {
    this.#documents = DynamoDBDocumentClient.from(client, translation());
    this.#listener = listener;
  }

  /** `send` gets the input with what the counters need. */
  async run<I extends object, O extends Consumed>(
    info: RequestInfo,
    input: I,
    send: (client: DynamoDBDocumentClient, input: I & typeof RETURN_CAPACITY) => Promise<O>,
  ): Promise<O> {
    const from = performance.now();
    const end = (ok: boolean, conditionFailed: boolean, units?: number) =>
      this.#listener?.({
        ...info,
        ms: performance.now() - from,
        ok,
        conditionFailed,
        ...(units !== undefined && { units }),
      });
    try {
      const answer = await send(this.#documents, { ...input, ...RETURN_CAPACITY });
      end(true, false, unitsOf(answer));
      return answer;
    } catch (error) {
      const conditionFailed = error instanceof ConditionalCheckFailedException;
      end(false, conditionFailed);
      throw conditionFailed ? error : storeError(error);
    }
  }
}

function unitsOf({ ConsumedCapacity }: Consumed): number | undefined {
  const all = [ConsumedCapacity].flat().flatMap((one) => one?.CapacityUnits ?? []);
  return all.length === 0 ? undefined : all.reduce((sum, one) => sum + one, 0);
}

/** A condition that did not hold, with the item as it is where the engine sent it along. */
export interface FailedCondition {
  readonly item: Item | undefined;
  /** Another attempt came before it, whose reply was lost: that one may have taken effect. */
  readonly isRepeat: boolean;
}

export function failedCondition(error: unknown): FailedCondition | undefined {
  if (!(error instanceof ConditionalCheckFailedException)) return undefined;
  return {
    item: error.Item && unmarshall(error.Item, { wrapNumbers }),
    isRepeat: (error.$metadata.attempts ?? 1) > 1,
  };
}

/** Faults of the service, which pass; a request that it calls wrong is a fault of ours. */
const PASSING = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
  "TransactionConflictException",
  "InternalServerError",
  "ServiceUnavailable",
  "ResourceInUseException",
]);

/** Runs it, and turns what the SDK throws into typed errors. */
export async function asStoreError<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw storeError(error);
  }
}

function storeError(error: unknown): unknown {
  if (error instanceof StagefoldError) return error;
  if (error instanceof DynamoDBServiceException) return serviceError(error);
  // A value that the SDK cannot translate: sending it again would change nothing.
  if (error instanceof Error && error.name === "Error" && !("code" in error))
    return new StagefoldError(
      "INTERNAL",
      `A request could not be made: ${error.message}`,
      {},
      { cause: error },
    );
  // Everything else that a request throws is the connection: refused, reset, timed out, no credentials.
  return unavailable(error);
}

/** Requests that are wrong in themselves. */
const WRONG = new Set(["ValidationException", "SerializationException"]);

function serviceError(error: DynamoDBServiceException): StagefoldError {
  const status = error.$metadata.httpStatusCode ?? 500;
  if (status >= 500 || PASSING.has(error.name)) return unavailable(error);
  if (/item size/i.test(error.message))
    return new StagefoldError(
      "SNAPSHOT_TOO_LARGE",
      "The item would be larger than DynamoDB takes.",
      { size: 0, limit: 409_600 },
      { cause: error },
    );
  if (/starting key/i.test(error.message))
    return new StagefoldError(
      "INVALID_INPUT",
      "The cursor is not one that this list gave.",
      { issues: ["cursor"] },
      { cause: error },
    );
  if (WRONG.has(error.name))
    return new StagefoldError(
      "INTERNAL",
      `DynamoDB refused a request: ${error.message}`,
      {},
      { cause: error },
    );
  // No table, no access, no valid credentials: an operator must repair that; trying again helps then.
  return unavailable(error);
}

function unavailable(cause: unknown): StagefoldError<"STORE_UNAVAILABLE"> {
  const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new StagefoldError(
    "STORE_UNAVAILABLE",
    `The store does not answer (${why}).`,
    { retry_after: 1 },
    { cause },
  );
}
