import type { BuildsSearch } from "../../lib/builds-list.ts";
import { readSearch, STATUSES } from "./search.ts";

/** What can stand before a colon in the search: `status:failed user:"Grace Hopper" tag:web since:2026-11-01`. */
export const KEYS = ["status", "user", "tag", "pipeline", "note", "since", "until"] as const;
export type Key = (typeof KEYS)[number];

const NAME = "(status|user|tag|pipeline|note|since|until):";
/** A name without a value yet; or a value, quoted or not, with its name or without. */
const PART = new RegExp(`${NAME}(?=\\s|$)|(?:${NAME})?(?:"([^"]*)"?|([^\\s"]+))`, "gi");

/** What the reader typed, as filters. `complete` says what a value that is typed half-way stands for. */
export function parseQuery(
  text: string,
  complete: (key: Key, value: string) => string = (_key, value) => value,
): BuildsSearch {
  const found: Record<string, string> = {};
  const words: string[] = [];
  for (const [, alone, name, quoted, plain] of text.matchAll(PART)) {
    // A name without a value yet filters nothing.
    if (alone !== undefined) continue;
    const value = quoted ?? plain ?? "";
    const key = name?.toLowerCase() as Key | undefined;
    if (key === undefined) words.push(value);
    else if (value !== "") found[key] = complete(key, key === "status" ? statusOf(value) : value);
  }
  const rest = words.filter((word) => word !== "").join(" ");
  return readSearch({ ...found, ...(rest !== "" && { text: rest }) });
}

function statusOf(value: string): string {
  const wanted = value.toLowerCase();
  return STATUSES.find((status) => status.startsWith(wanted)) ?? value;
}

/** The filters as one would type them. */
export function queryText(search: BuildsSearch): string {
  const named = KEYS.flatMap((key) => {
    const value = search[key];
    return value === undefined ? [] : [`${key}:${quoted(value)}`];
  });
  const { text } = search;
  const isPlain = text === undefined || !/["]|\b(status|user|tag|pipeline|note|since|until):/i.test(text);
  return [...named, ...(text === undefined ? [] : [isPlain ? text : `"${text.replaceAll('"', "")}"`])].join(
    " ",
  );
}

function quoted(value: string): string {
  return /[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value;
}

/** What could be typed at the end of a text. */
export interface Suggestion {
  /** As it is shown. */
  readonly label: string;
  /** The whole text with it. */
  readonly text: string;
}

/** So many are of use. */
const MOST = 8;

/** Names of filters, or values of the one that is being typed. */
export function suggestionsFor(text: string, valuesOf: (key: Key) => readonly string[]): Suggestion[] {
  const [, before = "", word = ""] = /^(.*?)((?:[a-z]+:)?(?:"[^"]*|[^\s"]*))$/is.exec(text) ?? [];
  const [, name, typed = ""] = /^([a-z]+):"?(.*)$/is.exec(word) ?? [];
  const key = KEYS.find((one) => one === name?.toLowerCase());
  if (key === undefined) {
    if (name !== undefined) return [];
    const keys = KEYS.filter((one) => one.startsWith(word.toLowerCase()) && !text.includes(`${one}:`));
    return keys.map((one) => ({ label: `${one}:`, text: `${before}${one}:` }));
  }
  const wanted = typed.toLowerCase();
  return valuesOf(key)
    .filter((value) => value.toLowerCase().includes(wanted) && value !== typed)
    .slice(0, MOST)
    .map((value) => ({ label: `${key}:${value}`, text: `${before}${key}:${quoted(value)} ` }));
}
