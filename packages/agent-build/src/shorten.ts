/** Cut by code points, never inside a surrogate pair; `…` stands for what is left out. */
export function shorten(text: string, characters: number): string {
  const all = Array.from(text);
  return all.length <= characters ? text : `${all.slice(0, characters - 1).join("")}…`;
}
