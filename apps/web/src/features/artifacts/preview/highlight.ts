import bash from "highlight.js/lib/languages/bash";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import ini from "highlight.js/lib/languages/ini";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import type { Language } from "../model/preview.ts";

/** A piece of a line; `name` is what it is to the language, such as `string`. */
export interface Token {
  readonly text: string;
  readonly name?: string;
}

const grammars = {
  bash,
  css,
  diff,
  dockerfile,
  ini,
  javascript,
  json,
  markdown,
  python,
  sql,
  typescript,
  xml,
  yaml,
} satisfies Record<Language, unknown>;

const lowlight = createLowlight(grammars);

type Node = ReturnType<typeof lowlight.highlight>["children"][number];

/** The lines of a text in pieces. Text stays text: nothing of it is ever taken for markup. */
export function highlight(text: string, language: Language): Token[][] {
  const lines: Token[][] = [[]];
  const add = (piece: string, name: string | undefined) => {
    const [first = "", ...rest] = piece.split("\n");
    const token = (part: string) =>
      part === "" ? [] : [{ text: part, ...(name !== undefined && { name }) }];
    lines.at(-1)?.push(...token(first));
    for (const part of rest) lines.push(token(part));
  };
  const walk = (node: Node, name: string | undefined) => {
    if (node.type === "text") add(node.value, name);
    else if (node.type === "element") for (const child of node.children) walk(child, nameOf(node) ?? name);
  };
  for (const node of lowlight.highlight(language, text).children) walk(node, undefined);
  return lines;
}

/** `["hljs-string"]` → `string`. */
function nameOf(node: Extract<Node, { type: "element" }>): string | undefined {
  const classes = node.properties.className;
  const first = Array.isArray(classes) ? classes[0] : undefined;
  return typeof first === "string" ? first.replace(/^hljs-/, "") : undefined;
}
