import { escaped } from "../view/escape.ts";
import type { Paint } from "../view/status.ts";
import { cell, widthOf } from "../view/width.ts";
import type { Diagnosis } from "./diagnose.ts";
import type { Finding, Level } from "./findings.ts";

const LOOK = {
  ok: { mark: "✓", colour: "green" },
  note: { mark: "·", colour: "dim" },
  warning: { mark: "!", colour: "yellow" },
  problem: { mark: "✗", colour: "red" },
} as const satisfies Record<Level, { mark: string; colour: keyof Paint }>;

const COLUMNS = 80;
const LABEL_AT_MOST = 24;

/** What the doctor found, in lines of at most 80 columns, or of a narrower terminal's. */
export function diagnosisLines(diagnosis: Diagnosis, paint: Paint, columns = COLUMNS): string[] {
  const width = Math.min(columns, COLUMNS);
  const { database, place } = diagnosis;
  const heading = `About ${database ? `the database ${place}` : place}`;
  const label = Math.min(LABEL_AT_MOST, Math.max(...diagnosis.findings.map(({ about }) => widthOf(about))));
  return [
    ...wrapped(escaped(heading), width),
    "",
    ...diagnosis.findings.flatMap((finding) => findingLines(finding, label, width, paint)),
    "",
    ...nextLines(diagnosis, width, paint),
  ];
}

function findingLines({ level, about, text }: Finding, label: number, width: number, paint: Paint): string[] {
  const { mark, colour } = LOOK[level];
  const [first = "", ...rest] = wrapped(escaped(text), width - label - 6);
  const indent = " ".repeat(label + 6);
  return [
    `  ${paint[colour](mark)} ${cell(escaped(about), label)}  ${first}`,
    ...rest.map((line) => indent + line),
  ];
}

function nextLines({ ok, next }: Diagnosis, width: number, paint: Paint): string[] {
  if (ok) return ["All is well: nothing to do."];
  if (next.length === 0) return ["Nothing to type for that; see above."];
  return [
    next.length === 1 ? "Next, type" : "Next, type one after the other",
    ...next.flatMap(({ command, why }) => [
      `  ${paint.bold(escaped(command))}`,
      ...wrapped(escaped(why), width - 4).map((line) => `    ${paint.dim(line)}`),
    ]),
  ];
}

/** The text in lines of at most so many columns, broken at spaces. A word that is longer has a line of its own. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
