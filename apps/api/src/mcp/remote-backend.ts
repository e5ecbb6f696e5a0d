import { ERROR_CODES, type ErrorCode, invalidInput, StagefoldError } from "@stagefold/core";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { getAddressSchema } from "../http/find-artifact.ts";
import { REST, type RestProcedure } from "../http/rest/table.ts";
import { type ArtifactAddress, type ArtifactBytes, firstBytes, type McpBackend } from "./backend.ts";

const RECONNECT_MS = 1000;

/** The procedures of an API elsewhere, over REST. */
export class RemoteBackend implements McpBackend {
  readonly version: string;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, key: string | undefined, version: string) {
    this.version = version;
    this.#url = url.replace(/\/+$/, "");
    this.#headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  }

  async call(procedure: RestProcedure, input: object): Promise<unknown> {
    const { path, init } = requestOf(procedure, input);
    const response = await this.#send(path, init);
    return response.status === 204 ? null : await response.json();
  }

  /** A stream that is lost is opened again after the last event that came. */
  async *events(procedure: RestProcedure, input: object, signal: AbortSignal): AsyncGenerator<unknown> {
    const { path } = requestOf(procedure, input);
    let seen: Record<string, string> = {};
    while (!signal.aborted) {
      try {
        const response = await this.#send(path, { headers: seen, signal });
        const events = response.body
          ?.pipeThrough(new TextDecoderStream())
          .pipeThrough(new EventSourceParserStream());
        for await (const { id, event, data } of events ?? []) {
          if (event === "problem")
            throw refusalIn(JSON.parse(data)) ?? new Error(`expected a problem, found ${data}`);
          if (id !== undefined) seen = { "last-event-id": id };
          yield JSON.parse(data);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof StagefoldError && error.code !== "STORE_UNAVAILABLE") throw error;
      }
      await new Promise((next) => setTimeout(next, RECONNECT_MS));
    }
  }

  async artifact(address: ArtifactAddress, maxBytes: number): Promise<ArtifactBytes> {
    // With a part such as `..` it would be an address of something else, which this server's key may read.
    const wanted = getAddressSchema.parse({ ...address, attempt: address.attempt?.toString() });
    const { project_id, path, ...choice } = wanted;
    const place = path.split("/").map(encodeURIComponent).join("/");
    const response = await this.#send(`/artifacts/${project_id}/${place}${queryOf(choice)}`, {});
    const bytes = await firstBytes(response.body ?? new ReadableStream(), maxBytes);
    const size = Number(response.headers.get("content-length") ?? bytes.length);
    return { bytes, size, mediaType: response.headers.get("content-type") ?? "application/octet-stream" };
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const headers = { ...this.#headers, ...Object.fromEntries(new Headers(init.headers)) };
    let response: Response;
    try {
      response = await fetch(this.#url + path, { ...init, headers });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      const message = `The Stagefold API at ${this.#url} does not answer.`;
      throw new StagefoldError("STORE_UNAVAILABLE", message, { retry_after: 1 }, { cause });
    }
    if (response.ok) return response;
    const body: unknown = await response.json().catch(() => undefined);
    const inside: unknown = Reflect.get(Object(Reflect.get(Object(body), "error")), "data");
    const known = refusalIn(body) ?? refusalIn({ ...Object(Reflect.get(Object(inside), "stagefold")) });
    throw known ?? new Error(`The Stagefold API at ${this.#url} answered ${response.status}.`);
  }
}

function requestOf(procedure: RestProcedure, input: object): { path: string; init: RequestInit } {
  const row = REST[procedure];
  if ("not" in row) throw new Error(`${procedure}: expected one with an address`);
  const rest = new Map(Object.entries(input));
  const path = row.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = partOfPath(name, rest.get(name));
    rest.delete(name);
    return value;
  });
  const left = Object.fromEntries(rest);
  if (row.method === "get" || row.method === "delete")
    return { path: `/v1${path}${queryOf(left)}`, init: { method: row.method.toUpperCase() } };
  const headers = { "content-type": "application/json" };
  return {
    path: `/v1${path}`,
    init: { method: row.method.toUpperCase(), headers, body: JSON.stringify(left) },
  };
}

/** What would lead to another address is refused. Errors: INVALID_INPUT. */
function partOfPath(name: string, value: unknown): string {
  const text = String(value ?? "");
  if (text !== "" && text !== "." && text !== ".." && text.isWellFormed()) return encodeURIComponent(text);
  const issue = `${name}: expected a name or an id, found ${JSON.stringify(value ?? null)}`;
  throw invalidInput(`The input is not valid: ${issue}`, [issue]);
}

function queryOf(fields: object): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const pairs = given.flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

/** The refusal that a problem says; undefined where it is none of ours. */
function refusalIn(problem: unknown): StagefoldError | undefined {
  const { code, detail, message, type: _t, title: _i, status: _s, ...data } = Object(problem);
  if (!ERROR_CODES.includes(code)) return undefined;
  // What comes with a code is what the API's own error had.
  return new StagefoldError<ErrorCode>(code, String(detail ?? message ?? code), data);
}
