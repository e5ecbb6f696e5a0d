import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aModule, aRunner } from "./fixture.ts";

/** What generated code could try: each line of its answer says what it got, or why it did not. */

const SECRET = "hunter2-the-key-of-the-platform";
let at: Awaited<ReturnType<typeof aRunner>>;

beforeAll(async () => {
  at = await aRunner({
    secrets: {
      get: async () =>
        new Map([
          ["NAMED", "for-this-agent"],
          ["OTHER", SECRET],
        ]),
    },
  });
});

afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

/** A process that is there; one that nobody has collected yet is not. */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !holds(); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(holds()).toBe(true);
}

describe("an agent's code", () => {
  test("sees the secrets that its version names, and nothing else of the environment", async () => {
    const body = 'say({ type: "text", text: JSON.stringify(process.env) });';
    const named = await aModule(at.artifacts, body, { secrets: ["NAMED", "MISSING"] });
    expect(JSON.parse((await at.ask(named, { text: "x" })).text)).toMatchObject({ NAMED: "***" });
    const unnamed = await aModule(at.artifacts, body);
    const { text } = await at.ask(unnamed, { text: "x" });
    // PWD and the like are the shell's own.
    expect(Object.keys(JSON.parse(text)).sort()).toEqual(expect.arrayContaining(["HOME", "PATH"]));
    for (const name of ["NAMED", "OTHER", "NODE_OPTIONS", "VITEST", "USER"])
      expect(JSON.parse(text)).not.toHaveProperty(name);
    expect(text).not.toContain(SECRET);
  });

  test("shows its secret nowhere: in text that comes in pieces, in tools, errors and the log", async () => {
    const agent = await aModule(
      at.artifacts,
      `const key = process.env.NAMED;
       say({ type: "text", text: "plain " + key + ", " });
       for (const character of "cut " + key + ", ") say({ type: "text", text: character });
       say({ type: "text", text: "base64 " + Buffer.from("x" + key + "y").toString("base64") + ", for-this-" });
       say({ type: "tool", id: key, name: "t-" + key, input: { [key]: [key] }, status: "running", output: null });
       say({ type: "tool", id: key, name: "t", input: {}, status: "completed", output: "out " + encodeURIComponent(key) });
       say({ type: "text", text: "end for-this-ag" });
       process.stderr.write("stderr " + key);
       if (order.text === "die") process.exit(3);`,
      { secrets: ["NAMED"] },
    );
    const before = at.problems.length;
    for (const text of ["answer", "die"]) {
      const { outcome, blocks, events, text: said } = await at.ask(agent, { text });
      expect(outcome.status).toBe(text === "die" ? "failed" : "completed");
      expect(said).toMatch(/^plain \*\*\*, cut \*\*\*, base64 [^,]*\*\*\*[^,]*, for-this-end for-this-ag$/);
      expect(blocks[1]).toMatchObject({
        id: "***",
        name: "t-***",
        input: { "***": ["***"] },
        output: "out ***",
      });
      const logged = at.problems.slice(before).map(({ message, cause }) => [message, String(cause)]);
      expect(JSON.stringify(logged)).toContain("stderr ***");
      for (const shown of [blocks, events, logged, outcome])
        expect(JSON.stringify(shown)).not.toMatch(
          /for-this-agent|Zm9yLXRoaXMtYWdlbn|b3ItdGhpcy1hZ2Vud|mb3ItdGhpcy1hZ2VudA/,
        );
    }
  });

  test("does not answer when its secrets cannot be read", async () => {
    await using broken = await aRunner({
      secrets: { get: () => Promise.reject(new Error("the file /etc/secrets: mode 644")) },
    });
    const agent = await aModule(broken.artifacts, "", { secrets: ["NAMED"] });
    const { outcome } = await broken.ask(agent, { text: "x" });
    expect(outcome.error).toMatchObject({
      code: "AGENT_FAILED",
      message: expect.stringContaining("cannot be read"),
    });
    expect(String(Object(broken.problems[0]?.cause).cause)).toContain("mode 644");
  });

  test("reads and writes no file but its own", async () => {
    const first = await aModule(at.artifacts, 'say({ type: "text", text: import.meta.url });', {
      run: 2,
    });
    const own = `
      const fs = await import("node:fs/promises");
      const { readFileSync } = await import("node:fs");
      const [other] = order.text.split(" ");
      await attempt("other", () => fs.readFile(other));
      await attempt("versions", () => fs.readdir(${JSON.stringify(join(at.folder, "versions"))}));
      await attempt("turns", () => fs.readdir(${JSON.stringify(join(at.folder, "turns"))}));
      await attempt("passwd", () => readFileSync("/etc/passwd"));
      await attempt("environ", () => readFileSync("/proc/" + process.ppid + "/environ"));
      await attempt("proc", () => readFileSync("/proc/self/environ"));
      await attempt("url", () => readFileSync(new URL("file:///etc/passwd")));
      await attempt("bytes", () => readFileSync(Buffer.from("/etc/passwd")));
      await attempt("dots", () => readFileSync(process.cwd() + "/../../../../../../../etc/passwd"));
      await attempt("import", () => import("file://" + other));
      await attempt("require", async () => (await import("node:module")).createRequire(import.meta.url)(other));
      await attempt("symlink", () => fs.symlink("/etc/passwd", "link"));
      await attempt("linked", () => fs.readFile("link"));
      await attempt("hardlink", () => fs.link("/etc/passwd", "hard"));
      await attempt("own code", () => fs.writeFile(new URL(import.meta.url), "evil"));
      await attempt("tmp", () => fs.writeFile("/tmp/evil", "x"));
      await attempt("sqlite", async () => new (await import("node:sqlite")).DatabaseSync(process.cwd() + "/a.db").exec("attach '/tmp/any.db' as o"));
      await attempt("socket", async () => (await import("node:net")).createServer().listen("/tmp/evil.sock"));
      await attempt("folder", async () => { await fs.writeFile("mine.txt", "mine"); return await fs.readFile("mine.txt", "utf8"); });`;
    const { text: path } = await at.ask(first, { text: "x" });
    expect(path).toContain("file://");
    const second = await aModule(at.artifacts, own);
    const { text } = await at.ask(second, { text: fileURLToPath(path.trim()) });
    const lines = text.trim().split("\n");
    const got = lines.filter((line) => line.includes(": got "));
    expect(got).toEqual(["folder: got mine"]);
    expect(lines.filter((line) => line.includes("ERR_ACCESS_DENIED")).length).toBeGreaterThan(12);
    expect(existsSync("/tmp/evil")).toBe(false);
  });

  test("starts no process, thread or native code, and signals none", async () => {
    const agent = await aModule(
      at.artifacts,
      `const { spawn, execFileSync } = await import("node:child_process");
       const { Worker } = await import("node:worker_threads");
       await attempt("exec", () => execFileSync("/bin/ls"));
       await attempt("spawn", () => spawn("/bin/ls"));
       await attempt("worker", () => new Worker("1", { eval: true }));
       await attempt("binding", () => process.binding("fs"));
       await attempt("dlopen", () => process.dlopen({}, "/x.node"));
       await attempt("kill", () => process.kill(process.ppid, "SIGKILL"));
       await attempt("inner kill", () => process._kill(process.ppid, 9));
       await attempt("inspector", async () => (await import("node:inspector")).open(0));`,
    );
    const { text } = await at.ask(agent, { text: "x" });
    expect(
      text
        .trim()
        .split("\n")
        .filter((line) => line.includes(": got ")),
    ).toEqual([]);
  });

  test("connects to nothing on this machine, nor where clouds keep credentials", async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.end("inside");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const agent = await aModule(
        at.artifacts,
        `const net = await import("node:net"); const http = await import("node:http");
         for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0", "127.1"])
           await attempt(host, async () => (await fetch("http://" + host + ":${port}/")).status);
         await attempt("metadata", async () => (await fetch("http://169.254.169.254/", { signal: AbortSignal.timeout(2000) })).status);
         await attempt("task", async () => (await fetch("http://169.254.170.2/", { signal: AbortSignal.timeout(2000) })).status);
         const raw = (...given) => new Promise((resolve, reject) => net.connect(...given).on("connect", () => resolve("in")).on("error", reject));
         await attempt("raw", () => raw(${port}, "127.0.0.1"));
         await attempt("raw options", () => raw({ port: ${port} }));
         await attempt("raw lookup", () => raw({ port: ${port}, host: "example.org", lookup: (n, o, done) => o.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4) }));
         await attempt("path", () => raw("/var/run/docker.sock"));
         await attempt("http", () => new Promise((resolve, reject) => http.get("http://127.0.0.1:${port}/", () => resolve("in")).on("error", reject)));`,
      );
      const { text } = await at.ask(agent, { text: "x" });
      expect(
        text
          .trim()
          .split("\n")
          .filter((line) => line.includes(": got ")),
      ).toEqual([]);
      expect(text.match(/EACCES/g)?.length).toBeGreaterThan(10);
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
  });

  test("cannot switch the guard of connections off", async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.end("inside");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const agent = await aModule(
        at.artifacts,
        `const { default: net } = await import("node:net"); const { default: dns } = await import("node:dns");
         const raw = (...given) => new Promise((resolve, reject) => net.connect(...given).on("connect", () => resolve("in")).on("error", reject));
         let reads = 0;
         await attempt("host", () => raw({ port: ${port}, get host() { return reads++ === 0 ? "192.0.2.1" : "127.0.0.1"; } }));
         reads = 0;
         const address = { family: 4, get address() { return reads++ === 0 ? "192.0.2.1" : "127.0.0.1"; } };
         const lookup = (name, how, done) => how.all ? done(null, [address]) : done(null, address.address, 4);
         await attempt("lookup", () => raw({ port: ${port}, host: "example.org", lookup }));
         await attempt("single lookup", () => raw({ port: ${port}, host: "example.org", family: 4, lookup: (n, h, done) => done(null, "127.0.0.1", 4) }));
         const socket = new net.Socket().on("error", () => {});
         socket.connect(${port}, "127.0.0.1");
         const Handle = socket._handle.constructor;
         const code = (number) => { if (number !== 0) throw Object.assign(new Error(), { code: "EACCES" }); };
         await attempt("inner connect", () => code(new Handle(0).connect({}, "127.0.0.1", ${port})));
         await attempt("inner bind", () => code(new Handle(0).bind("127.0.0.1", 0)));
         await attempt("inner listen", () => code(new Handle(0).listen(1)));
         await attempt("inner path", () => code(new process.stdin._handle.constructor(0).connect({}, "/var/run/docker.sock")));
         const real = Handle.prototype.connect;
         await attempt("inner method", () => { Handle.prototype.connect = (request) => real(request, "127.0.0.1", ${port}); });
         await attempt("inner property", () => Object.defineProperty(Handle.prototype, "connect", { value: () => 0 }));
         await attempt("older listen", () => new Promise((resolve, reject) => net.createServer().on("error", reject).on("listening", resolve)._listen2("127.0.0.1", 0, 4, 5)));
         dns.lookup = (name, how, done) => done(null, [{ address: "127.0.0.1", family: 4 }]);
         await attempt("dns", () => raw(${port}, "example.org"));
         net.isIP = () => 0;
         net.BlockList.prototype.check = () => false;
         net.SocketAddress.isSocketAddress = () => true;
         Reflect.apply = (call, self) => call.call(self, {}, "127.0.0.1", ${port});
         Array.isArray = () => false;
         Array.prototype.some = () => false;
         RegExp.prototype.test = () => false;
         const [kHandle] = Object.getOwnPropertySymbols(new net.SocketAddress());
         const open = new net.SocketAddress({ address: "192.0.2.1" })[kHandle];
         await attempt("raw", () => raw(${port}, "127.0.0.1"));
         Object.defineProperty(Object.prototype, kHandle, { get: () => open, set() {}, configurable: true });
         String.prototype[kHandle] = open;
         await attempt("polluted", () => raw(${port}, "127.0.0.1"));`,
      );
      const { text } = await at.ask(agent, { text: "x" });
      const lines = text.trim().split("\n");
      expect(lines.filter((line) => line.includes(": got "))).toEqual([]);
      expect(lines.map((line) => line.split(":")[0])).toContain("polluted");
      expect(text.match(/EACCES/g)?.length).toBeGreaterThan(10);
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
  });

  test("sends and takes no datagrams", async () => {
    let got = 0;
    const socket = createSocket("udp4", () => got++);
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    try {
      const agent = await aModule(
        at.artifacts,
        `const { default: dgram } = await import("node:dgram");
         const used = (act) => new Promise((resolve, reject) => act(dgram.createSocket("udp4").on("error", reject), (error) => (error ? reject(error) : resolve("done"))));
         await attempt("bind", () => used((one, done) => one.bind(0, "127.0.0.1", done)));
         await attempt("connect", () => used((one, done) => one.connect(${socket.address().port}, "127.0.0.1", done)));
         await attempt("send", () => used((one, done) => one.send("x", ${socket.address().port}, "127.0.0.1", done)));`,
      );
      const { text } = await at.ask(agent, { text: "x" });
      expect(text.trim().split("\n")).toEqual(["bind: EACCES", "connect: EACCES", "send: EACCES"]);
      expect(got).toBe(0);
    } finally {
      socket.close();
    }
  });

  const outside = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .find(
      ({ family, internal, address }) => family === "IPv4" && !internal && !address.startsWith("169.254."),
    );
  // Skipped when this machine has no address but its own loopback.
  test.skipIf(!outside)("reaches other addresses, by number and by name", async () => {
    const server = createServer((_request, response) => response.end("outside"));
    await new Promise<void>((resolve) => server.listen(0, outside?.address, resolve));
    const { port, address } = server.address() as AddressInfo;
    try {
      const agent = await aModule(
        at.artifacts,
        `const { default: http } = await import("node:http"); const { default: dns } = await import("node:dns");
         await attempt("fetch", async () => (await fetch("http://${address}:${port}/")).text());
         dns.lookup = (name, how, done) => how.all ? done(null, [{ address: "${address}", family: 4 }]) : done(null, "${address}", 4);
         await attempt("http", () => new Promise((resolve, reject) => http.get("http://example.org:${port}/", ({ statusCode }) => resolve(statusCode)).on("error", reject)));`,
      );
      const { text } = await at.ask(agent, { text: "x" });
      expect(text.trim().split("\n")).toEqual(["fetch: got outside", "http: got 200"]);
    } finally {
      server.close();
    }
  });

  test("does not run on when its answer has ended", async () => {
    const agent = await aModule(
      at.artifacts,
      'setInterval(() => {}, 10); process.on("SIGTERM", () => {}); say({ type: "text", text: String(process.pid) });',
    );
    const { text, outcome } = await at.ask(agent, { text: "x" });
    expect(outcome.status).toBe("completed");
    expect(isRunning(Number(text))).toBe(false);
  });

  test("finds nothing of an earlier turn, and cannot fill the disk with one file", async () => {
    const agent = await aModule(
      at.artifacts,
      `const fs = await import("node:fs/promises");
       say({ type: "text", text: (await fs.readdir(".")).join() + ";" });
       await fs.writeFile("left.txt", "x");
       const block = Buffer.alloc(10_000_000);
       await attempt("fill", async () => { for (let i = 0; i < 15; i++) await fs.appendFile("big", block); });`,
    );
    const first = await at.ask(agent, { text: "x" });
    const second = await at.ask(agent, { text: "x" });
    expect(second.text.startsWith(";")).toBe(true);
    expect(first.text).not.toContain("fill: got");
  });

  test("goes with the process that ran it, also when that is killed and it never yields", async () => {
    const host: ChildProcess = spawn(
      process.execPath,
      [fileURLToPath(new URL("host.mjs", import.meta.url)), at.folder],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const [said] = (await once(host.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    const pid = Number(String(said));
    expect(isRunning(pid)).toBe(true);
    host.kill("SIGKILL");
    await once(host, "exit");
    await eventually(() => !isRunning(pid));
  });
});
