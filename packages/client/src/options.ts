/** Anything that does what the global `fetch` does. */
export type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

export interface ClientOptions {
  /** Of the API, such as `http://127.0.0.1:4000`. A page that the API itself serves passes `location.origin`. */
  url: string | URL;
  /**
   * An API key or a token, where the API asks who calls: sent as `Authorization: Bearer …`. A function is asked before
   * each request and each connection of a stream, so that it can give a token that was refreshed meanwhile.
   */
  key?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Instead of the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>> | undefined;
}

export interface CallOptions {
  /** Ends the call; it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface WatchOptions {
  /** Ends the loop, without an error. */
  signal?: AbortSignal | undefined;
  /** Called when there is a connection, and once when it is lost, with what is known of the reason. */
  onConnection?: ((state: "connected" | "lost", reason?: Error) => void) | undefined;
  /** Also waits for a server that does not answer yet; otherwise a first connection that fails is thrown. */
  patient?: boolean | undefined;
}
