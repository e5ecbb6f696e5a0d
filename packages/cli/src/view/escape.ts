/**
 * Characters that a terminal obeys instead of showing (control characters, among them the escape that begins a
 * command), and those that turn the direction of text around. What a build says must not do either.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** One line of text from outside, with what a terminal would obey written out: `\x1b`, `\u202e`. A tab is spaces. */
export function escaped(text: string): string {
  return text.toWellFormed().replaceAll("\t", "    ").replace(OBEYED, written);
}

function written(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
