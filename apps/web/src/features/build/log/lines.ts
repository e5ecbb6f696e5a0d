/** Lines of a log that an address names, from 1, both included. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** Of `L120` or `L120-L140`, in whatever order. */
export function rangeIn(line: string | undefined): LineRange | undefined {
  const [, first, last] = /^L(\d+)(?:-L(\d+))?$/.exec(line ?? "") ?? [];
  if (first === undefined) return undefined;
  const [one, other] = [Number(first), Number(last ?? first)];
  return { from: Math.min(one, other), to: Math.max(one, other) };
}

export function rangeText({ from, to }: LineRange): string {
  return from === to ? `L${from}` : `L${from}-L${to}`;
}

/** What the choice of a line makes of a range: with Shift the lines up to it are added. */
export function chosen(range: LineRange | undefined, line: number, extends_: boolean): LineRange {
  if (!range || !extends_) return { from: line, to: line };
  return { from: Math.min(range.from, line), to: Math.max(range.to, line) };
}

/** Words by which programs tell that something went wrong; names such as `errors.ts` or `0 errors` are none. */
const ERROR =
  /(?<![\w./-])(?:error|fatal|panic|traceback|exception|failed|failure)(?![\w./-])|\w(?:Error|Exception)\b(?=[:\s(])/i;
const NO_ERROR = /\b(?:0|no) (?:errors?|failures?|failed)\b/i;

export function tellsOfError(text: string): boolean {
  return ERROR.test(text) && !NO_ERROR.test(text);
}
