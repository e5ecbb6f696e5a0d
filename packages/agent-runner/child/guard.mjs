/**
 * Loaded before an agent's code, which runs under Node's permission model: that keeps it from files, processes, threads
 * and native code. What is left is taken away here: signals to other processes of the same user, servers, and connections to
 * this machine and to the addresses where clouds hand out credentials.
 */

import dns from "node:dns";
import net from "node:net";

for (const name of ["kill", "_kill", "_debugProcess", "_debugEnd", "dlopen", "binding", "_linkedBinding"])
  Reflect.deleteProperty(process, name);

const closed = new net.BlockList();
closed.addSubnet("127.0.0.0", 8, "ipv4");
closed.addSubnet("0.0.0.0", 8, "ipv4");
closed.addSubnet("169.254.0.0", 16, "ipv4");
closed.addAddress("100.100.100.200", "ipv4");
closed.addAddress("::1", "ipv6");
closed.addAddress("::", "ipv6");
closed.addSubnet("fe80::", 10, "ipv6");
closed.addSubnet("fd00:ec2::", 32, "ipv6");

/** @param {string} address */
const isClosed = (address) => {
  const family = net.isIP(address);
  return family === 0 ? false : closed.check(address, family === 6 ? "ipv6" : "ipv4");
};

/** @param {string} host */
const refusal = (host) =>
  Object.assign(new Error(`agents may not connect to ${host}`), { code: "EACCES", syscall: "connect" });

net.Server.prototype.listen = function refused() {
  throw Object.assign(new Error("agents serve nothing"), { code: "EACCES", syscall: "listen" });
};

const connect = net.Socket.prototype.connect;
/** @this {net.Socket} @param {...any} given */
net.Socket.prototype.connect = function guarded(...given) {
  // Node itself passes on the list of normalised arguments.
  const [first, second] = Array.isArray(given[0]) ? given[0] : given;
  const options = typeof first === "object" && first !== null ? first : { port: first, host: second };
  const host = typeof options.host === "string" && options.host !== "" ? options.host : "localhost";
  const refuse = () => {
    process.nextTick(() => this.destroy(refusal(host)));
    return this;
  };
  if (options.path !== undefined || (typeof first === "string" && !/^\d+$/.test(first))) return refuse();
  if (net.isIP(host) !== 0) return isClosed(host) ? refuse() : Reflect.apply(connect, this, given);
  // A name is looked up once, and what is connected to is what was checked.
  const lookup = typeof options.lookup === "function" ? options.lookup : dns.lookup;
  /** @param {string} name @param {any} how @param {(error: Error | null, ...found: any[]) => void} done */
  const checked = (name, how, done) =>
    lookup(name, how, (/** @type {Error | null} */ error, /** @type {any[]} */ ...found) => {
      const all = Array.isArray(found[0]) ? found[0].map((one) => one.address) : [found[0]];
      if (error === null && all.some((address) => typeof address === "string" && isClosed(address)))
        done(refusal(host));
      else done(error, ...found);
    });
  return Reflect.apply(connect, this, [{ ...options, host, lookup: checked }, ...lastFunction(given)]);
};

/** The listener of a connection, where there is one. @param {any[]} given */
function lastFunction(given) {
  const list = Array.isArray(given[0]) ? given[0] : given;
  const last = list.at(-1);
  return typeof last === "function" ? [last] : [];
}
