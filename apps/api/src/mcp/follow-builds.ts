import type { McpServer } from "@modelcontextprotocol/server";
import type { McpBackend } from "./backend.ts";
import { buildUri } from "./resources.ts";

/**
 * Tells the client of a connection about the builds that it watches. A client of the protocol of 2025 names them one by
 * one. What a later one listens to, the connection itself knows: it is given all, and passes on what was asked for.
 */
export function followBuilds(
  server: McpServer,
  backend: McpBackend,
  { era, onError }: { readonly era: "legacy" | "modern"; readonly onError: (error: Error) => void },
): void {
  const ending = new AbortController();
  const watched = new Set<string>();
  const isWanted = (uri: string) => era === "modern" || watched.has(uri);
  let isFollowing = false;
  const tell = async () => {
    for await (const change of backend.events("projects.watchList", {}, ending.signal)) {
      const id = projectIdOf(change);
      const uris = id === undefined ? [...watched] : [buildUri(id)].filter(isWanted);
      for (const uri of uris) await server.server.sendResourceUpdated({ uri });
    }
  };
  const follow = () => {
    if (isFollowing) return;
    isFollowing = true;
    tell().catch((error: unknown) => {
      isFollowing = false;
      if (!ending.signal.aborted) onError(error instanceof Error ? error : new Error(String(error)));
    });
  };
  server.server.onclose = () => ending.abort();
  if (era === "modern") {
    follow();
    return;
  }
  server.server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
    watched.add(uri);
    follow();
    return {};
  });
  server.server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    watched.delete(uri);
    return {};
  });
}

/** Undefined where anything may have changed. */
function projectIdOf(change: unknown): string | undefined {
  const found: unknown = Reflect.get(Object(change), "project_id");
  const nested: unknown = Reflect.get(Object(Reflect.get(Object(change), "project")), "project_id");
  const id = found ?? nested;
  return typeof id === "string" ? id : undefined;
}
