import { escaped } from "./escape.ts";

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
/** Commands with a text of their own, such as titles and what is copied: OSC, DCS, SOS, PM, APC. */
// None begins inside another: many that have no end would cost the square of their number in time.
const STRINGS =
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d\u009e\u009f])[^\u001b\u0007\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)/g;
/** Colours and weights: the one command that a terminal may obey. */
const STYLE = /(?:\u001b\[|\u009b)([\d;:]*)m/g;
/** Everything else that begins with an escape: what moves, erases, asks, resets. */
const COMMANDS = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g;
const KEPT_STYLE = /(\u001b\[[\d;:]*m)/;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above

const RESET = "\u001b[0m";

/**
 * A line of a log as it looks at its end: of a line that was rewritten (`\r`) the last state. Colours are kept where
 * `colours` is true, and end with the line; all that moves, titles or copies is left out, and what is left that a
 * terminal would obey is written out.
 */
export function logText(line: string, colours: boolean): string {
  const text = withoutOverstruck(lastState(line.replace(STRINGS, "")));
  if (!colours) return escaped(text.replace(COMMANDS, ""));
  const parts = text.replace(STYLE, "\u001b[$1m").split(KEPT_STYLE);
  const styled = parts.length > 1;
  // Every second part is a style, which the pattern has kept apart.
  const kept = parts.map((part, i) => (i % 2 === 1 ? part : escaped(part.replace(COMMANDS, ""))));
  return kept.join("") + (styled ? RESET : "");
}

/** Without each character that a backspace takes back. */
function withoutOverstruck(text: string): string {
  if (!text.includes("\b")) return text;
  const kept: string[] = [];
  for (const char of text) {
    if (char === "\b" && kept.length > 0 && kept.at(-1) !== "\b") kept.pop();
    else kept.push(char);
  }
  return kept.join("");
}

/** What the last of several carriage returns has left to see, with the style that was on before it. */
function lastState(line: string): string {
  if (!line.includes("\r")) return line;
  const states = line.split("\r");
  const last = states.findLastIndex((state) => state.replace(COMMANDS, "") !== "");
  if (last < 0) return "";
  const styleBefore = states.slice(0, last).join("").match(STYLE)?.join("") ?? "";
  return styleBefore + states[last];
}
