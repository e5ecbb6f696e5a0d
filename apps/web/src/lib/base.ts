/**
 * The path below which the API is served, such as `/builds` behind a proxy; empty where it is at the root. The API writes
 * it into the page.
 */
export const BASE = baseOf(
  typeof document === "undefined"
    ? undefined
    : document.querySelector<HTMLMetaElement>('meta[name="stagefold-base"]')?.content,
);

/** `/builds/` of the page is `/builds`; the page as it was built, which no API served, says `./`. */
export function baseOf(content: string | undefined): string {
  return content?.startsWith("/") ? content.replace(/\/+$/, "") : "";
}
