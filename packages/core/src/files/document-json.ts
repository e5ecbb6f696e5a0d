import { invalidInput, unavailable } from "./errors.ts";

/** Errors: INVALID_INPUT for what is no JSON. */
export function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // A BigInt, or an object that contains itself.
    throw invalidInput(
      `expected JSON, found ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
  if (text === undefined) throw invalidInput(`expected JSON, found ${typeof value}`);
  return text;
}

/** Errors: STORE_UNAVAILABLE for a document that is damaged. */
export function fromJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unavailable(`The document ${name} is damaged: expected JSON.`, error);
  }
}
