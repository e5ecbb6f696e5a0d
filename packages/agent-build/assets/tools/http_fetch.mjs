/** Fetches a text over http or https, within a time and size limit; HTML, XML and JSON become plain text. */

export const key = "http_fetch";

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 1_000_000;
const VERB = /^(?:raw|GET|fetch|获取|抓取|原文)\s+/iu;
const TEXT_TYPE = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|javascript|yaml|x-ndjson))/i;

/** @param {string} input */
function address(input) {
  const text = input.trim().replace(VERB, "");
  if (!URL.canParse(text))
    throw new Error(`cannot fetch: ${JSON.stringify(text.slice(0, 200))} is not an address`);
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Error(`cannot fetch: expected http or https, found ${url.protocol.slice(0, -1)}`);
  }
  return url;
}

/** The whole reason of a failed fetch: what Node says first is only "fetch failed". @param {unknown} cause */
function reasonOf(cause) {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause;
  if (!(inner instanceof Error)) return cause.message;
  const code = "code" in inner && typeof inner.code === "string" ? inner.code : undefined;
  return inner.message || code || cause.message;
}

/** @param {URL} url */
async function request(url) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      signal: limit,
      headers: { accept: "text/*, application/json, application/xml" },
    });
    return { response, body: await readBody(response, url) };
  } catch (cause) {
    if (limit.aborted)
      throw new Error(`cannot fetch ${url.href}: no answer within ${TIMEOUT_MS / 1000} s`, { cause });
    if (cause instanceof Error && cause.message.startsWith("cannot fetch")) throw cause;
    throw new Error(`cannot fetch ${url.href}: ${reasonOf(cause)}`, { cause });
  }
}

/** @param {Response} response @param {URL} url */
async function readBody(response, url) {
  const type = response.headers.get("content-type") ?? "text/plain";
  if (!TEXT_TYPE.test(type)) {
    await response.body?.cancel();
    throw new Error(`cannot fetch ${url.href}: expected text, found ${type}`);
  }
  const charset = /charset=["']?([\w-]+)/i.exec(type)?.[1] ?? "utf-8";
  const decoder = decoderFor(charset, url);
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`cannot fetch ${url.href}: more than ${MAX_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return { type, bytes, text: text + decoder.decode() };
}

/** @param {string} charset @param {URL} url */
function decoderFor(charset, url) {
  try {
    return new TextDecoder(charset);
  } catch (cause) {
    throw new Error(`cannot fetch ${url.href}: unknown charset ${charset}`, { cause });
  }
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  return /^(?:(?:raw|GET|fetch|获取|抓取|原文)\s+)?[a-z][a-z0-9+.-]*:\/\/\S+$/iu.test(input.trim())
    ? 0.95
    : 0;
}

/** The text in a body: what a reader of it would see. @param {string} type @param {string} text */
async function readable(type, text) {
  try {
    if (/html/i.test(type)) return (await import("./lib/html.mjs")).htmlToText(text);
    if (/xml/i.test(type)) return (await import("./lib/xml.mjs")).xmlToText(text);
    if (/json/i.test(type) && !/ndjson/i.test(type)) return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // A server may name a type that its text does not have: the text is given as it came.
  }
  return text;
}

/** @param {string} input An address; `raw` before it asks for the body as it came. */
export async function run(input) {
  const url = address(input);
  const { response, body } = await request(url);
  if (!response.ok)
    throw new Error(
      `cannot fetch ${url.href}: the server answered ${response.status} ${response.statusText}`.trim(),
    );
  const data = { url: response.url, status: response.status, content_type: body.type, bytes: body.bytes };
  const raw = /^(?:raw|原文)\s/iu.test(input.trim());
  return { text: raw ? body.text : await readable(body.type, body.text), data };
}
