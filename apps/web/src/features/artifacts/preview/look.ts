/** Classes by what a piece of code is; several kinds share a colour. */
const LOOKS = new Map<string, string>([
  ...look("text-accent", ["keyword", "literal", "selector-tag", "tag", "name", "section", "doctag"]),
  ...look("text-good", ["string", "regexp", "addition", "char", "code"]),
  ...look("text-warn", ["number", "symbol", "bullet", "template-variable", "variable"]),
  ...look("text-info", [
    "attr",
    "attribute",
    "title",
    "property",
    "built_in",
    "type",
    "function",
    "class",
    "link",
  ]),
  ...look("text-ink-3 italic", ["comment", "quote", "meta"]),
  ...look("text-bad", ["deletion"]),
  ...look("font-semibold", ["strong"]),
  ...look("italic", ["emphasis"]),
]);

export function lookOf(name: string | undefined): string | undefined {
  return name === undefined ? undefined : LOOKS.get(name);
}

function look(classes: string, names: readonly string[]): [string, string][] {
  return names.map((name) => [name, classes]);
}
