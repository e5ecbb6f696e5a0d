import { S3ServiceException } from "@aws-sdk/client-s3";
import { StagefoldError } from "@stagefold/core";

/** Seconds after which a caller may try again. */
const RETRY_AFTER = 5;

/** `work`, whose errors become ours. */
export async function mapped<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error);
  }
}

/** The name is the service's own code, whichever class the SDK has for it. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof S3ServiceException && error.name === name;
}

/** No bucket, no access, no answer: worth trying again once it is put right. A wrong request is a fault of ours. */
export function storeError(error: unknown): unknown {
  if (error instanceof StagefoldError) return error;
  if (
    error instanceof S3ServiceException &&
    error.$metadata.httpStatusCode === 400 &&
    !PASSING.includes(error.name)
  )
    return new StagefoldError("INTERNAL", `S3 refused a request: ${error.message}`, {}, { cause: error });
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return unavailable(why, error);
}

/** Under 400 too: the credentials can be put right, and a slow request be sent again. */
const PASSING = ["ExpiredToken", "InvalidToken", "RequestTimeout", "IncompleteBody"];

export function unavailable(why: string, cause: unknown): StagefoldError<"STORE_UNAVAILABLE"> {
  const data = { retry_after: RETRY_AFTER };
  return new StagefoldError("STORE_UNAVAILABLE", `The bucket does not do this (${why}).`, data, { cause });
}
