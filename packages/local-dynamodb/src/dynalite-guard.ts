import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";

/**
 * dynalite answers every web page that finds its port (`access-control-allow-origin: *`). Programs send no `Origin`
 * and name the loopback: everything else is refused before dynalite sees it.
 */
export function guard(server: Server, port: number): void {
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  const inner = server.listeners("request").filter(isRequestListener);
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers.origin !== undefined || !hosts.has(request.headers.host ?? "")) {
      response.writeHead(403, { connection: "close" }).end();
      return;
    }
    for (const listener of inner) listener(request, response);
  });
}

function isRequestListener(listener: unknown): listener is RequestListener {
  return typeof listener === "function";
}
