// Writes dist/api.d.ts: the types of src/api.ts, which are inferred from the API's router, spelled out. What is
// published then stands alone. A type that src/api.ts exports is written by its name wherever it occurs.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript-5";

const root = join(import.meta.dirname, "..");
const source = join(root, "src/api.ts");
const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram([source], { ...options, noEmit: true });
const checker = program.getTypeChecker();
const file = program.getSourceFile(source);
const module = file && checker.getSymbolAtLocation(file);
if (!file || !module) throw new Error(`expected ${source} to be a module`);
const problems = program.getSemanticDiagnostics(file);
if (problems.length > 0) throw new Error(ts.flattenDiagnosticMessageText(problems[0]?.messageText, "\n"));

const exported = checker.getExportsOfModule(module);
const aliases = exported
  .filter(({ flags }) => flags & ts.SymbolFlags.TypeAlias)
  .map((symbol) => ({ symbol, type: checker.getDeclaredTypeOfSymbol(symbol) }));
/** By the type itself, and by its text: the same type may be inferred in two ways. */
const names = new Map(aliases.map(({ symbol, type }) => [type, symbol.name]).reverse());
const namesByText = new Map();
const unions = aliases
  .map(({ type }) => type)
  .filter((type) => type.isUnion())
  .sort((one, other) => other.types.length - one.types.length);

/** Keywords and literals: written as the checker writes them. */
const SIMPLE =
  ts.TypeFlags.Any |
  ts.TypeFlags.Unknown |
  ts.TypeFlags.Never |
  ts.TypeFlags.VoidLike |
  ts.TypeFlags.Null |
  ts.TypeFlags.StringLike |
  ts.TypeFlags.NumberLike |
  ts.TypeFlags.BooleanLike;

/** The types that are being written: one that contains itself needs a name. */
const open = [];

/** @param {import("typescript-5").Type} type */
function text(type) {
  return names.get(type) ?? structure(type);
}

/** @param {import("typescript-5").Type} type */
function structure(type, ownName = "") {
  if (type.flags & SIMPLE && !type.isUnion()) return checker.typeToString(type, file);
  if (open.includes(type)) throw new Error(`expected a name in src/api.ts for ${checker.typeToString(type)}`);
  open.push(type);
  const written = type.isUnion() ? union(type, ownName) : object(type);
  open.pop();
  const name = namesByText.get(written);
  return name && name !== ownName ? name : written;
}

/** A named union that is part of another is written by its name too. */
function union(type, ownName) {
  let rest = [...type.types];
  const parts = [];
  for (const part of unions) {
    const name = names.get(part);
    if (name === ownName || !part.types.every((member) => rest.includes(member))) continue;
    rest = rest.filter((member) => !part.types.includes(member));
    parts.push(name);
  }
  const isBoolean = ({ flags }) => flags & ts.TypeFlags.BooleanLiteral;
  if (rest.filter(isBoolean).length === 2) {
    rest = rest.filter((member) => !isBoolean(member));
    parts.push("boolean");
  }
  const isNothing = ({ flags }) => flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null | ts.TypeFlags.Void);
  const sorted = [...rest.filter((member) => !isNothing(member)), ...rest.filter(isNothing)];
  return [...parts, ...sorted.map(text)].join(" | ");
}

function object(type) {
  if (checker.isArrayType(type)) {
    const item = text(checker.getTypeArguments(type)[0]);
    const list = /^\w+$/.test(item) ? `${item}[]` : `(${item})[]`;
    return type.symbol.name === "ReadonlyArray" ? `readonly ${list}` : list;
  }
  if (type.getCallSignatures().length > 0 || type.isClass())
    throw new Error(`expected data in src/api.ts, found ${checker.typeToString(type)}`);
  const fields = checker.getPropertiesOfType(type).map(field);
  const string = checker.getIndexInfosOfType(type).find(({ keyType }) => keyType.flags & ts.TypeFlags.String);
  if (string) fields.push(`[name: string]: ${text(string.type)};`);
  return fields.length === 0 ? "Record<never, never>" : `{\n${fields.join("\n")}\n}`;
}

function field(symbol) {
  const optional = symbol.flags & ts.SymbolFlags.Optional ? "?" : "";
  return `${comment(symbol)}${symbol.name}${optional}: ${text(checker.getTypeOfSymbolAtLocation(symbol, file))};`;
}

function comment(symbol) {
  const said = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  return said && `/** ${said.replaceAll("\n", "\n * ")} */\n`;
}

function declaration({ symbol, type }) {
  const first = names.get(type);
  const written = first === symbol.name ? structure(type, symbol.name) : first;
  return `${comment(symbol)}export type ${symbol.name} = ${written};\n`;
}

function indented(lines) {
  let depth = 0;
  return lines.split("\n").map((line) => {
    if (line.startsWith("}")) depth -= 1;
    const out = line && `${"  ".repeat(depth)}${line}`;
    if (line.endsWith("{")) depth += 1;
    return out;
  });
}

for (const { symbol, type } of aliases) namesByText.set(structure(type, symbol.name), symbol.name);
const generic = exported
  .filter(({ flags }) => flags & ts.SymbolFlags.Interface)
  .flatMap(({ declarations = [] }) => declarations.map((one) => `${one.getFullText(file).trim()}\n`));
const lines = indented(aliases.map(declaration).join("\n"));
writeFileSync(join(root, "dist/api.d.ts"), [...lines, ...generic].join("\n"));
