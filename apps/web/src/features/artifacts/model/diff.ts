import { structuredPatch } from "diff";

export interface DiffLine {
  readonly kind: "same" | "added" | "removed";
  readonly text: string;
  /** Line numbers in the older and the newer text, where the line is in it. */
  readonly before?: number;
  readonly after?: number;
}

/** A stretch of changes with some lines around them. */
export interface Hunk {
  readonly lines: readonly DiffLine[];
}

export interface Diff {
  readonly hunks: readonly Hunk[];
  readonly added: number;
  readonly removed: number;
}

const AROUND = 3;
/** Milliseconds: two long texts that have little in common would take minutes. */
const AT_MOST_MS = 2000;

/** What changed from one text to the other; undefined when they differ too much to say it line by line. */
export function diffOf(before: string, after: string): Diff | undefined {
  const patch = structuredPatch("", "", before, after, undefined, undefined, {
    context: AROUND,
    timeout: AT_MOST_MS,
  });
  if (patch === undefined) return undefined;
  const hunks = patch.hunks.map(({ lines, oldStart, newStart }) => ({
    lines: numbered(lines, oldStart, newStart),
  }));
  const count = (kind: DiffLine["kind"]) =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line.kind === kind).length, 0);
  return { hunks, added: count("added"), removed: count("removed") };
}

function numbered(lines: readonly string[], oldStart: number, newStart: number): DiffLine[] {
  let before = oldStart;
  let after = newStart;
  return lines.flatMap((line): DiffLine[] => {
    const text = line.slice(1);
    switch (line[0]) {
      case "+":
        return [{ kind: "added", text, after: after++ }];
      case "-":
        return [{ kind: "removed", text, before: before++ }];
      case " ":
        return [{ kind: "same", text, before: before++, after: after++ }];
      default:
        // "\ No newline at end of file"
        return [];
    }
  });
}
