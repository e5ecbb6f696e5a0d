import { httpLink, httpSubscriptionLink, splitLink, type TRPCLink, TRPCUntypedClient } from "@trpc/client";
import { EventSource as Ponyfill } from "eventsource";
import type { CallOptions, ClientOptions, EventSourceConstructor, Fetch } from "../options.ts";
import { errorFrom } from "./error-from.ts";
import { PROCEDURES } from "./procedures.ts";
import type { AppRouter, InputOf, OutputOf, PathOfKind } from "./router-types.ts";

export type CallPath = PathOfKind<"query" | "mutation">;

/** One API: its address, and how it is called. */
export class Transport {
  /** Without a slash at the end. */
  readonly url: string;
  readonly fetch: Fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly trpc: TRPCUntypedClient<AppRouter>;

  constructor(options: ClientOptions) {
    this.url = String(options.url).replace(/\/+$/, "");
    this.headers = options.headers ?? {};
    this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.trpc = this.#connect(options);
  }

  /** Calls a query or a mutation. Errors: StagefoldClientError, ConnectionError, the reason of an aborted signal. */
  async call<Path extends CallPath>(
    path: Path,
    input: InputOf<Path>,
    options: CallOptions = {},
  ): Promise<OutputOf<Path>> {
    const signal = options.signal;
    try {
      // The router's own type says what the answer is; its schemas have checked it there.
      return (await this.trpc[PROCEDURES[path]](path, input, signal && { signal })) as OutputOf<Path>;
    } catch (error) {
      signal?.throwIfAborted();
      throw errorFrom(error, this.url);
    }
  }

  #connect(options: ClientOptions): TRPCUntypedClient<AppRouter> {
    const url = `${this.url}/trpc`;
    return new TRPCUntypedClient<AppRouter>({
      links: [
        splitLink({
          condition: (op) => op.type === "subscription",
          true: this.#streamLink(url, options),
          false: httpLink({
            url,
            headers: { ...this.headers },
            fetch: (input, init) => this.fetch(String(input), init as RequestInit),
          }),
        }),
      ],
    });
  }

  /** The browser's own class knows neither headers nor another fetch: with those the one of the package is used. */
  #streamLink(url: string, options: ClientOptions): TRPCLink<AppRouter> {
    const plain = options.fetch === undefined && options.headers === undefined;
    const EventSource = options.EventSource ?? (plain ? nativeEventSource() : undefined);
    if (EventSource) return httpSubscriptionLink({ url, EventSource });
    const fetch: Fetch = (input, init) =>
      this.fetch(input, { ...init, headers: { ...init?.headers, ...this.headers } });
    return httpSubscriptionLink({ url, EventSource: Ponyfill, eventSourceOptions: { fetch } });
  }
}

function nativeEventSource(): EventSourceConstructor | undefined {
  const found: unknown = Reflect.get(globalThis, "EventSource");
  return isEventSource(found) ? found : undefined;
}

function isEventSource(value: unknown): value is EventSourceConstructor {
  return typeof value === "function";
}
