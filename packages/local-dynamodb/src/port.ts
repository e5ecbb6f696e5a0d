import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { LocalDynamoDBError, reasonOf } from "./errors.ts";

export const HOST = "127.0.0.1";

// Below the ranges from which systems take the ports of outgoing connections: while an engine is being restarted
// no client's connection can land on its port.
const LOWEST = 10_240;
const HIGHEST = 32_767;
const TRIES = 20;

/** A free port on 127.0.0.1. @throws LocalDynamoDBError `PORT_UNAVAILABLE` */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if ((await tryBind(port)) === undefined) return port;
  }
  const last = randomInt(LOWEST, HIGHEST + 1);
  const error = await tryBind(last);
  if (error === undefined) return last;
  throw new LocalDynamoDBError(
    { code: "PORT_UNAVAILABLE", port: last, reason: reasonOf(error) },
    { cause: error },
  );
}

/** Binds and frees the port; undefined when that worked, else the error. */
export function tryBind(port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(error));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
