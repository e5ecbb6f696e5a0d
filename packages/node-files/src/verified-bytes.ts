import { createHash } from "node:crypto";

/** What is known of the bytes of a file. `size` in bytes; `sha256` in hex digits. */
export interface ExpectedBytes {
  readonly size?: number | undefined;
  readonly sha256?: string | undefined;
}

/**
 * The bytes as they pass, held against what was recorded of them. The last block comes only once all are known to be
 * right, so that no reader takes damaged bytes for the whole. `mismatch` makes the error that is thrown instead.
 */
export async function* verifiedBytes(
  source: AsyncIterable<Uint8Array>,
  expected: ExpectedBytes,
  mismatch: (expected: string, found: string) => Error,
): AsyncGenerator<Uint8Array, number> {
  const hash = createHash("sha256");
  let size = 0;
  let last: Uint8Array | undefined;
  for await (const block of source) {
    if (last) yield last;
    last = block;
    size += block.length;
    hash.update(block);
  }
  if (expected.size !== undefined && expected.size !== size)
    throw mismatch(`${expected.size} bytes`, `${size}`);
  const found = hash.digest("hex");
  if (expected.sha256 !== undefined && expected.sha256.toLowerCase() !== found)
    throw mismatch(`SHA-256 ${expected.sha256}`, found);
  if (last) yield last;
  return size;
}
