import type { Item } from "../patch/index.ts";
import { canonicalJson } from "../snapshot/ids.ts";

/** A note that some stage of a build has: of this name, and, where values are given, with one of them as JSON. */
export interface NoteFilter {
  readonly name: string;
  readonly values?: readonly string[];
}

/** `name`, or `name=value`: the value is JSON or a text, so `count=3` finds the number and the text. */
export function noteFilterOf(text: string): NoteFilter {
  const at = text.indexOf("=");
  if (at < 0) return { name: text };
  const value = text.slice(at + 1);
  const asText = JSON.stringify(value);
  try {
    return { name: text.slice(0, at), values: [...new Set([canonicalJson(JSON.parse(value)), asText])] };
  } catch {
    return { name: text.slice(0, at), values: [asText] };
  }
}

/** What all stages of an item have noted, as name and JSON; an older format has none. */
export function notesOf(item: Item): [name: string, json: string][] {
  const snapshot: unknown = item.stages_snapshot;
  const stages: unknown =
    typeof snapshot === "object" && snapshot !== null ? Reflect.get(snapshot, "stages") : undefined;
  if (!Array.isArray(stages)) return [];
  return stages.flatMap((stage: unknown) => {
    const notes: unknown =
      typeof stage === "object" && stage !== null ? Reflect.get(stage, "notes") : undefined;
    if (typeof notes !== "object" || notes === null) return [];
    return Object.entries(notes).map(([name, value]): [string, string] => [name, canonicalJson(value)]);
  });
}

export function hasNote(item: Item, note: string): boolean {
  const { name, values } = noteFilterOf(note);
  return notesOf(item).some(([one, json]) => one === name && (values === undefined || values.includes(json)));
}
