/**
 * Loaded before an agent's code, which runs under Node's permission model: that keeps it from files, processes, threads
 * and native code. What is left is taken away here: signals to other processes of the same user, servers, datagrams, and
 * connections to this machine and to the addresses where clouds hand out credentials.
 *
 * What connects is Node's own handles, beneath all that an agent can reach: their methods are replaced for good, and use
 * nothing that an agent can change.
 */

import dgram from "node:dgram";
import net from "node:net";
import os from "node:os";

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

net.Server.prototype.listen = function refused() {
  throw Object.assign(new Error("agents serve nothing"), { code: "EACCES", syscall: "listen" });
};

const { apply } = Reflect;
/** What libuv answers for EACCES. */
const refused = -os.constants.errno.EACCES;

const list = inner(closed);
const { check } = list;
const sample = { 4: inner(new net.SocketAddress()), 6: inner(new net.SocketAddress({ family: "ipv6" })) };
const Address = sample[4].constructor;
const families = { 4: sample[4].detail({}).family, 6: sample[6].detail({}).family };

/** Also true for what is no address. @param {string} address @param {4 | 6} version */
function isClosed(address, version) {
  try {
    return apply(check, list, [new Address(address, 0, families[version], 0)]) !== false;
  } catch {
    return true;
  }
}

const tcp = handleOf({ host: "127.0.0.1", port: 1 });
const datagrams = dgram.createSocket("udp4");
const udp = Object.getPrototypeOf(
  Object.getOwnPropertySymbols(datagrams)
    .map((symbol) => Reflect.get(datagrams, symbol)?.handle)
    .find((handle) => handle),
);
datagrams.close();

refuse(tcp, ["bind", "bind6", "listen", "open"]);
refuse(udp, ["bind", "bind6", "connect", "connect6", "send", "send6", "open"]);
// Its `open` is that of standard input and output. The path is none: the handle is made, and then refused.
refuse(handleOf({ path: /** @type {any} */ ({}) }), ["bind", "listen", "connect"]);
checked("connect", 4);
checked("connect6", 6);

/** @param {"connect" | "connect6"} name @param {4 | 6} version */
function checked(name, version) {
  const connect = tcp[name];
  fix(
    tcp,
    name,
    /** @this {any} @param {any} request @param {any} address @param {any} port */ function (
      request,
      address,
      port,
    ) {
      if (typeof address !== "string" || isClosed(address, version)) return refused;
      return apply(connect, this, [request, address, port]);
    },
  );
}

/** The prototype of the handles of such connections. @param {net.SocketConnectOpts} options */
function handleOf(options) {
  const socket = new net.Socket();
  socket.on("error", () => undefined);
  try {
    socket.connect(options);
  } catch {
    // Only its handle is wanted.
  }
  const handle = Reflect.get(socket, "_handle");
  socket.destroy();
  return Object.getPrototypeOf(handle);
}

/** What Node keeps beneath an object of its own. @param {object} object @returns {any} */
function inner(object) {
  const symbol = Object.getOwnPropertySymbols(object).find(({ description }) => description === "kHandle");
  return Reflect.get(object, /** @type {symbol} */ (symbol));
}

/** @param {any} prototype @param {readonly string[]} names */
function refuse(prototype, names) {
  for (const name of names) if (typeof prototype[name] === "function") fix(prototype, name, () => refused);
}

/** @param {any} prototype @param {string} name @param {(...given: any[]) => unknown} value */
function fix(prototype, name, value) {
  Object.defineProperty(prototype, name, { value, writable: false, configurable: false });
}
