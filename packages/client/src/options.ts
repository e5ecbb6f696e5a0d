/** Anything that does what the global `fetch` does. */
export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

/** The `EventSource` of a browser, or of a package that gives the same. */
export type EventSourceConstructor = new (url: string, init?: object) => EventSourceInstance;

interface EventSourceInstance {
  readonly CONNECTING: number;
  readonly OPEN: number;
  readonly CLOSED: number;
  readonly readyState: number;
  addEventListener(type: string, listener: (event: never) => void): void;
  removeEventListener(type: string, listener: (event: never) => void): void;
  close(): void;
}

export interface ClientOptions {
  /** Of the API, such as `http://127.0.0.1:4000`. A page that the API itself serves may pass `location.origin`. */
  url: string | URL;
  /** Instead of the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Instead of the platform's own, and of the one that comes with this package where there is none. */
  EventSource?: EventSourceConstructor | undefined;
}

export interface CallOptions {
  /** Ends the call; it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface WatchOptions {
  /** Ends the loop, without an error. */
  signal?: AbortSignal | undefined;
  /** Called when the connection is lost, with what is known of the reason, and when it is back. */
  onConnection?: ((state: "connected" | "lost", reason?: Error) => void) | undefined;
}
