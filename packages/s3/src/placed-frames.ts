import { bufferSource, encodeLines, type PlacedFrame, scanFrames } from "@stagefold/core/files";

/** What readers see in place of lines whose object is gone: the rest of the log is there. */
export const LOST = encodeLines([
  { text: "[A part of this log is not in the bucket any more.]", stream: "log" },
]);

/** The lines of one write, in memory. */
export function placed(seq: number, at: number, bytes: Buffer): PlacedFrame {
  return { frame: { seq, at, from: 0, bytes: bytes.length }, source: bufferSource(bytes) };
}

/** The frames of one object of a sealed log. */
export async function framesIn(bytes: Buffer): Promise<PlacedFrame[]> {
  const source = bufferSource(bytes);
  const frames: PlacedFrame[] = [];
  await scanFrames(source, 0, bytes.length, (_, frame) => frames.push({ frame, source }));
  return frames;
}
