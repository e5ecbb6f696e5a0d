import type { ByteRange } from "@stagefold/core";

/**
 * The part of `size` bytes that a request's `Range` asks for. Undefined: all of it, also for several ranges at once and for
 * what is no range of bytes, as HTTP has it; `unsatisfiable` where none of it is there.
 */
export function requestedRange(
  header: string | undefined,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, from, to] = /^bytes=[ \t]*(\d{0,16})-(\d{0,16})[ \t]*$/i.exec(header ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
  // `-500`: the last 500 bytes.
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== "" && to !== "" && Number(to) < first) return undefined;
  return first <= last ? { first, last } : "unsatisfiable";
}
