/**
 * Loaded before an agent whose self-tests run: connections go to the server of the tests alone, which is named in
 * STAGEFOLD_LOOPBACK, so that a test depends on nothing outside and reaches nothing there.
 */

import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";
import { env } from "node:process";

const allowed = new URL(env.STAGEFOLD_LOOPBACK ?? "http://127.0.0.1:9");
delete env.STAGEFOLD_LOOPBACK;

const refusal = () => Object.assign(new Error("self-tests have no network"), { code: "ENETUNREACH" });

const connect = net.Socket.prototype.connect;
/** @this {net.Socket} @param {...any} given */
net.Socket.prototype.connect = function limited(...given) {
  const [options] = Array.isArray(given[0]) ? given[0] : given;
  const { host = "localhost", port } =
    typeof options === "object" ? options : { port: options, host: given[1] };
  if (host === allowed.hostname && String(port) === allowed.port) return Reflect.apply(connect, this, given);
  process.nextTick(() => this.destroy(refusal()));
  return this;
};
/** @this {dgram.Socket} @returns {never} */
dgram.Socket.prototype.send = function refused() {
  throw refusal();
};
for (const object of [dns, dns.promises]) {
  for (const name of Object.keys(object).filter((key) => /^(?:resolve|reverse)/.test(key)))
    Reflect.set(object, name, () => {
      throw refusal();
    });
}
