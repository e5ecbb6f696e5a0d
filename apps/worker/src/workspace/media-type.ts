import { Mime } from "mime/lite";
import other from "mime/types/other.js";
import standard from "mime/types/standard.js";

/** What the general list has otherwise or not at all: files that builds usually make. */
const OURS = {
  "application/yaml": ["yaml", "yml"],
  "text/typescript": ["ts", "mts", "cts", "tsx"],
  "text/x-python": ["py"],
  "application/x-ndjson": ["jsonl", "ndjson"],
};

const types = new Mime(standard, other).define(OURS, true);

/** The media type that a path's ending stands for. */
export function mediaTypeOf(path: string): string {
  return types.getType(path) ?? "application/octet-stream";
}
