import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import { checkPipeline, sentence } from "../check.ts";
import type { Pipeline } from "../definition.ts";
import { PipelineError } from "../errors.ts";

/** A YAML pipeline is a page or two; this keeps a wrong file from being parsed for minutes. */
const MAX_CHARACTERS = 1_000_000;
/** More uses of aliases than this is an attempt to blow up a small file. */
const MAX_ALIASES = 100;

/** Reads one pipeline of command stages. Throws a PipelineError that names file, line, stage and field. */
export function pipelineFromYaml(text: string, file: string): Pipeline {
  if (text.length > MAX_CHARACTERS) {
    throw new PipelineError(`${file}: expected at most ${MAX_CHARACTERS} characters, found ${text.length}`, {
      file,
    });
  }
  const lines = new LineCounter();
  const document = onlyDocument(text, file, lines);
  const value = plainValue(document, file);
  const checked = checkPipeline(value);
  if ("pipeline" in checked) return checked.pipeline;
  const line = lineOf(document, checked.finding.path, lines);
  const { message, mistake } = sentence(value, checked.finding, {
    file,
    ...(line === undefined ? {} : { line }),
  });
  throw new PipelineError(message, mistake);
}

function onlyDocument(text: string, file: string, lineCounter: LineCounter): Document.Parsed {
  const parsed = parseAllDocuments(text, {
    lineCounter,
    uniqueKeys: true,
    merge: true,
    strict: true,
    prettyErrors: false,
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  const [document, second] = documents;
  if (document === undefined)
    throw new PipelineError(`${file}: expected a pipeline, found an empty file`, { file });
  // A tag that is not understood is a warning to the parser; to us it is a value that means something else.
  const problem = [...document.errors, ...document.warnings][0];
  if (problem !== undefined) {
    const { line } = lineCounter.linePos(problem.pos[0]);
    throw new PipelineError(
      `${file}:${line}: not valid YAML: ${problem.message}`,
      { file, line },
      { cause: problem },
    );
  }
  if (second !== undefined) {
    throw new PipelineError(`${file}: expected one document, found ${documents.length}`, { file });
  }
  return document;
}

function plainValue(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PipelineError(`${file}: cannot resolve its aliases: ${reason}`, { file }, { cause });
  }
}

/** The line of the deepest part of the path that the file has; for a field that is a key, the key's line. */
function lineOf(document: Document.Parsed, path: readonly (string | number)[], lines: LineCounter) {
  let node: Node | null | undefined = document.contents;
  let offset = node?.range?.[0];
  for (const step of path) {
    const target: unknown = isAlias(node) ? node.resolve(document) : node;
    const next = child(target, step);
    if (next === undefined) break;
    offset = next.offset ?? offset;
    node = next.node;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function child(
  parent: unknown,
  step: string | number,
): { node: Node | null; offset: number | undefined } | undefined {
  if (isMap<Node, Node | null>(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
    return pair === undefined ? undefined : { node: pair.value, offset: pair.key.range?.[0] };
  }
  if (isSeq<Node>(parent) && typeof step === "number") {
    const node = parent.items[step];
    return node === undefined ? undefined : { node, offset: node.range?.[0] };
  }
  return undefined;
}
