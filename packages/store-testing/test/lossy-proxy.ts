import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to the reply of a request: it goes through, or the connection ends in its place. */
export type Fate = "pass" | "lose";

/**
 * Stands before an engine. `fate` is asked once the engine has answered, so that a lost reply is that of a write
 * which took effect.
 */
export async function lossyProxy(endpoint: string) {
  const { hostname, port, host } = new URL(endpoint);
  const state = {
    fate: (_operation: string): Fate | Promise<Fate> => "pass",
    /** Requests that the engine answered, by operation. */
    answered: [] as { operation: string; status: number }[],
  };
  const server = createServer((incoming, outgoing) => {
    const operation = String(incoming.headers["x-amz-target"]).split(".").at(-1) ?? "";
    const upstream = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: { ...incoming.headers, host } },
      async (answer) => {
        const parts: Buffer[] = [];
        for await (const part of answer) parts.push(part);
        state.answered.push({ operation, status: answer.statusCode ?? 0 });
        if ((await state.fate(operation)) === "lose") return incoming.socket.destroy();
        return outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(parts));
      },
    );
    upstream.on("error", () => incoming.socket.destroy());
    incoming.pipe(upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    state,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
