import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink } from "@trpc/client";
import { EventSource } from "eventsource";
import { type ApiDeps, startApi } from "../src/index.ts";
import type { AppRouter } from "../src/routers/index.ts";
import { memoryDeps } from "./fixture.ts";

/** A real server on a free port, on the reference stores unless others are given. */
export async function serve(deps: ApiDeps = memoryDeps(), port = 0) {
  const api = await startApi(deps, { host: "127.0.0.1", port });
  return { ...api, client: clientOf(api.url), call: caller(api.url) };
}

export function clientOf(base: string) {
  const url = `${base}/trpc`;
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === "subscription",
        true: httpSubscriptionLink({ url, EventSource }),
        false: httpBatchLink({ url }),
      }),
    ],
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The answer as JSON; undefined where it is not. */
  readonly body: unknown;
}

/** What curl would do: a mutation is a POST of its input, anything else a GET. */
function caller(base: string) {
  return async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(base + path, init);
    const text = await response.text();
    const download = response.headers.has("content-disposition");
    const isJson = !download && response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  };
}

/** A POST with a JSON body. */
export function post(input: unknown): RequestInit {
  const body = typeof input === "string" ? input : JSON.stringify(input);
  return { method: "POST", headers: { "content-type": "application/json" }, body };
}

/** `?input=` of a query. */
export function query(input: unknown): string {
  return `?input=${encodeURIComponent(JSON.stringify(input))}`;
}
