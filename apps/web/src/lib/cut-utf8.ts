const encoder = new TextEncoder();

/** Of a text that is searched for: what the API takes, in bytes of UTF-8. */
export const SEARCH_BYTES = 200;

/** As much of a text, in whole characters, as fits so many bytes of UTF-8: the API's limits are bytes. */
export function cutUtf8(text: string, maxBytes: number): string {
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(maxBytes)).read);
}
