/** Searches the web through the Tavily API. The key is the secret TAVILY_API_KEY. */

export const key = "web_search";

/** Names of the secrets that this tool reads; the second one is the address of another server of the same kind. */
export const secrets = ["TAVILY_API_KEY", "TAVILY_API_URL"];

const TIMEOUT_MS = 20_000;
const MAX_BYTES = 1_000_000;
const RESULTS = 5;
const ORDER =
  /^(?<verb>search(?:\s+(?:for|the\s+web\s+for))?|news(?:\s+(?:about|on))?|搜索|检索|查找|搜一下|新闻)\s*[:：]?\s*(?<query>\S[\s\S]*)$/iu;

/** @param {unknown} results @returns {{ title: string, url: string, content: string }[]} */
function checkedResults(results) {
  if (!Array.isArray(results)) throw new Error("cannot search: expected a list of results in the answer");
  return results.map(({ title, url, content }) => ({
    title: String(title ?? ""),
    url: String(url ?? ""),
    content: String(content ?? "")
      .replace(/\s+/g, " ")
      .trim(),
  }));
}

/** @param {Response} response */
async function bodyOf(response) {
  let bytes = 0;
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`cannot search: an answer of more than ${MAX_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** @param {string} query @param {boolean} news @param {string} apiKey @param {string} address */
async function request(query, news, apiKey, address) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(new URL("/search", address), {
      method: "POST",
      signal: limit,
      headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ query, max_results: RESULTS, topic: news ? "news" : "general" }),
    });
    const text = await bodyOf(response);
    if (response.status === 401) throw new Error("cannot search: TAVILY_API_KEY is not accepted");
    if (!response.ok) throw new Error(`cannot search: the server answered ${response.status}`);
    return checkedResults(JSON.parse(text).results);
  } catch (cause) {
    if (limit.aborted) throw new Error(`cannot search: no answer within ${TIMEOUT_MS / 1000} s`, { cause });
    if (cause instanceof Error && cause.message.startsWith("cannot search")) throw cause;
    throw new Error(`cannot search: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  return ORDER.test(input.trim()) ? 0.75 : 0;
}

/** @param {string} input Such as `search tide tables` or `news about lighthouses`. @param {{ secrets?: Record<string, string | undefined> }} context */
export async function run(input, { secrets: given = {} }) {
  const found = ORDER.exec(input.trim())?.groups;
  const query = (found?.query ?? input).trim().slice(0, 400);
  if (query === "") throw new Error("cannot search: expected words to search for");
  const apiKey = given.TAVILY_API_KEY;
  if (apiKey === undefined || apiKey === "")
    throw new Error("cannot search: expected the secret TAVILY_API_KEY (a key of tavily.com), found none");
  const news = /^(?:news|新闻)/i.test(found?.verb ?? "");
  const results = await request(query, news, apiKey, given.TAVILY_API_URL || "https://api.tavily.com");
  const text = results
    .map(({ title, url, content }, index) => `${index + 1}. ${title}\n   ${url}\n   ${content.slice(0, 500)}`)
    .join("\n");
  return { text: text === "" ? "no results" : text, data: { query, results } };
}
