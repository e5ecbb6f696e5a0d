/** XML as text, and as a tree in the order of the document. */

import { XMLParser } from "fast-xml-parser";

/** @typedef {{ name: string, text: string, attributes: Record<string, string>, children: XmlNode[] }} XmlNode */

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
});

/** @param {any} raw @returns {XmlNode} */
function nodeOf(raw) {
  const attributes = raw[":@"] ?? {};
  const name = Object.keys(raw).find((field) => field !== ":@") ?? "";
  if (name === "#text") return { name, text: String(raw[name]), attributes, children: [] };
  return { name, text: "", attributes, children: raw[name].map(nodeOf) };
}

/** The nodes at the top. Throws an Error for what is not XML. @param {string} text @returns {XmlNode[]} */
export function parseXml(text) {
  return parser.parse(text, true).map(nodeOf);
}

/** @param {XmlNode} node @returns {string} */
export const textOf = (node) =>
  node.name === "#text" ? node.text : node.children.map((child) => textOf(child)).join("");

/** @param {XmlNode} node @param {number} depth @returns {string[]} */
function linesOf(node, depth) {
  const indent = "  ".repeat(depth);
  const attributes = Object.entries(node.attributes).map(([name, value]) => ` ${name}=${value}`);
  const parts = node.children.filter((child) => child.name !== "#text");
  const own = node.children
    .filter((child) => child.name === "#text")
    .map((child) => child.text.trim())
    .join(" ")
    .trim();
  const head = `${indent}${node.name}${attributes.join("")}`;
  return [own === "" ? head : `${head}: ${own}`, ...parts.flatMap((part) => linesOf(part, depth + 1))];
}

/** A line for each element, indented by depth: `name attribute=value: text`. @param {string} text */
export function xmlToText(text) {
  const elements = parseXml(text).filter((node) => !node.name.startsWith("?") && node.name !== "#text");
  return elements.flatMap((node) => linesOf(node, 0)).join("\n");
}
