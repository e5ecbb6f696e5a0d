import { type RawItem, toDynamoJson } from "@stagefold/core/dynamodb";
import type { Source, SourceLine } from "./source.ts";

/** A table that is there, page by page. Read only. */
export function tableSource(
  name: string,
  pages: (signal?: AbortSignal) => AsyncIterable<readonly RawItem[]>,
): Source {
  return {
    name: `table ${name}`,
    async *lines(signal): AsyncGenerator<SourceLine> {
      let line = 0;
      for await (const page of pages(signal))
        for (const item of page) {
          line += 1;
          yield { line, text: `{"Item":${toDynamoJson(item)}}` };
        }
    },
  };
}
