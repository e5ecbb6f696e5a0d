import { type ClientOptions, createClient, type StagefoldClient } from "@stagefold/client";
import { createContext, createElement, type ReactNode, useContext, useMemo, useRef } from "react";
import { Live } from "./live.ts";

const LiveContext = createContext<Live | undefined>(undefined);

export interface StagefoldProviderProps {
  /** A client that was made already; instead of `url` and `key`. */
  readonly client?: StagefoldClient | undefined;
  /** Of the API, such as `http://127.0.0.1:4000`. A page that the API itself serves passes `location.origin`. */
  readonly url?: string | URL | undefined;
  /**
   * An API key or a token. A function is asked before each request, and before each time that the stream is opened:
   * it may give a token that is refreshed. The latest function that was rendered is the one that is asked.
   */
  readonly token?: ClientOptions["key"];
  readonly children?: ReactNode;
}

/** What the hooks below it watch comes over one event stream. */
export function StagefoldProvider({ client, url, token, children }: StagefoldProviderProps) {
  const latest = useRef(token);
  latest.current = token;
  const address = url === undefined ? undefined : String(url);
  // A function that a component makes anew with each render is no other API; another text is another caller.
  const text = typeof token === "string" ? token : undefined;
  const live = useMemo(() => {
    if (client) return new Live(client);
    if (address === undefined)
      throw new Error("StagefoldProvider: expected a client or a url, found neither.");
    const key = text ?? (() => (typeof latest.current === "function" ? latest.current() : latest.current));
    return new Live(createClient({ url: address, key }));
  }, [client, address, text]);
  return createElement(LiveContext.Provider, { value: live }, children);
}

/** What is watched below the provider. Throws outside of one. */
export function useLive(): Live {
  const live = useContext(LiveContext);
  if (live) return live;
  throw new Error("Expected a StagefoldProvider above this component.");
}
