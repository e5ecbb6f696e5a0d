import { errorFrom, isRecord, jsonOf, notTheApi, refusalOf, wasCut } from "./errors.ts";
import type { CallOptions, ClientOptions, Fetch } from "./options.ts";

/** One API: its address, and how it is asked. What it speaks is tRPC on plain JSON. */
export class Transport {
  /** Without a slash at the end. */
  readonly url: string;
  readonly #fetch: Fetch;
  readonly #options: ClientOptions;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: ClientOptions) {
    const { url, headers } = withoutCredentials(String(options.url));
    this.url = url.replace(/\/+$/, "");
    this.#options = options;
    this.#headers = headers;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  /** Calls a query or a mutation. Errors: as `send`. */
  async call(
    kind: "query" | "mutation",
    path: string,
    input: unknown,
    options?: CallOptions,
  ): Promise<unknown> {
    const response =
      kind === "query"
        ? await this.send(`/trpc/${path}${queryOf(input)}`, {}, options)
        : await this.send(`/trpc/${path}`, jsonRequest(input), options);
    const answer = await this.json(response, options);
    if (isRecord(answer) && isRecord(answer.result)) return answer.result.data;
    throw notTheApi(this.url, `HTTP ${response.status} without a result`);
  }

  /** Opens the event stream of a subscription. Errors: as `send`. */
  async open(path: string, input: object, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const request = { headers: { accept: "text/event-stream" } };
    const response = await this.send(`/trpc/${path}${queryOf(input)}`, request, { signal });
    const type = response.headers.get("content-type") ?? "no type";
    if (response.body && type.startsWith("text/event-stream")) return response.body;
    await response.body?.cancel();
    throw notTheApi(this.url, `expected an event stream, found ${type}`);
  }

  /**
   * An answer that is OK. A request that only reads is made once more when its connection was cut before an answer: a
   * server or a proxy closes idle connections, and may do so just when one is used again. Errors: StagefoldClientError
   * where the API says why not, else ConnectionError; the reason of an aborted signal.
   */
  async send(
    route: string,
    request: RequestInit & { readonly headers?: Readonly<Record<string, string>> },
    { signal }: CallOptions = {},
  ): Promise<Response> {
    try {
      const bearer = await this.#bearer();
      const headers = { ...this.#headers, ...bearer, ...this.#options.headers, ...request.headers };
      const init = { ...request, headers, ...(signal && { signal }) };
      const ask = () => this.#fetch(this.url + route, init);
      const response = await ask().catch((error: unknown) => {
        if (request.method === undefined && wasCut(error)) return ask();
        throw error;
      });
      if (response.ok) return response;
      throw await refusalOf(response, this.url);
    } catch (error) {
      signal?.throwIfAborted();
      throw errorFrom(error, this.url);
    }
  }

  /** The body of an answer; undefined where it is not JSON. Errors: as `send`, also where the body is cut. */
  async json(response: Response, { signal }: CallOptions = {}): Promise<unknown> {
    try {
      return await jsonOf(response);
    } catch (error) {
      signal?.throwIfAborted();
      throw errorFrom(error, this.url);
    }
  }

  async #bearer(): Promise<Readonly<Record<string, string>>> {
    const { key } = this.#options;
    const found = typeof key === "function" ? await key() : key;
    return found === undefined ? {} : { authorization: `Bearer ${found}` };
  }
}

/**
 * The address without a name and password in it, which must not come into messages and which `fetch` does not take; they
 * go into a header.
 */
function withoutCredentials(address: string): { url: string; headers: Readonly<Record<string, string>> } {
  if (!URL.canParse(address)) return { url: address.replace(/^.*@/s, ""), headers: {} };
  const url = new URL(address);
  if (url.username === "" && url.password === "") return { url: address, headers: {} };
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(pair)));
  return { url: url.href, headers: { authorization: `Basic ${base64}` } };
}

function queryOf(input: unknown): string {
  return input === undefined ? "" : `?${new URLSearchParams({ input: JSON.stringify(input) })}`;
}

function jsonRequest(input: unknown) {
  const body = input === undefined ? {} : { body: JSON.stringify(input) };
  return { method: "POST", headers: { "content-type": "application/json" }, ...body };
}
