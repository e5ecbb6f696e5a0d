import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as files from "../../assets/tools/file_reader.mjs";
import * as http from "../../assets/tools/http_fetch.mjs";
import * as json from "../../assets/tools/json_query.mjs";
import * as table from "../../assets/tools/table_reader.mjs";

let root: string;
let cwd: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tools-"));
  cwd = join(root, "work");
  await mkdir(join(cwd, "sub"), { recursive: true });
  await writeFile(join(root, "secret.txt"), "secret");
  await writeFile(join(cwd, "sub", "notes.txt"), "one\n二\n");
  await writeFile(join(cwd, "latin.txt"), Buffer.from([0xe9, 0x41]));
  await writeFile(join(cwd, "big.txt"), "x".repeat(1_000_001));
  await symlink(join(root, "secret.txt"), join(cwd, "link.txt"));
  await writeFile(join(cwd, "data.json"), '\uFEFF{"users":[{"name":"Ada","a.b":1}],"n":null}');
  await writeFile(join(cwd, "bad.json"), "{");
  await writeFile(join(cwd, "sales.csv"), 'City,amount\nBerlin,10.5\nParis,"2"\nBerlin,0.1\n');
  await writeFile(join(cwd, "mixed.csv"), "a;b\n1;x\n2;y\n");
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe("file reader", () => {
  test("reads text below the working folder", async () => {
    expect(await files.run("read sub/notes.txt", { cwd })).toEqual({
      text: "one\n二\n",
      data: { path: "sub/notes.txt", bytes: 8, lines: 2 },
    });
  });

  test.each([
    ["../secret.txt", "not below the working folder"],
    ["link.txt", "not below the working folder"],
    ["/etc/passwd", "not below the working folder"],
    ["missing.txt", "there is no such file"],
    ["sub", "it is not a file"],
    ["latin.txt", "not UTF-8"],
    ["big.txt", "1000001 bytes"],
    ["a\0b", "NUL"],
    ["", "expected a path"],
  ])("%j is refused", async (path, message) => {
    await expect(files.run(path, { cwd })).rejects.toThrow(message);
  });
});

describe("tables", () => {
  test.each([
    ["sales.csv", "rows: 3\nCity: text\namount: number, sum 12.6, average 4.2"],
    ["sales.csv sum amount", "12.6"],
    ["sales.csv average AMOUNT where City = Berlin", "5.3"],
    ["sales.csv 求和 amount", "12.6"],
    ["sales.csv max amount", "10.5"],
    ["sales.csv median amount", "2"],
    ["sales.csv sum", "amount: 12.6"],
    ["sales.csv 中位数", "amount: 2"],
    ["sales.csv count where amount >= 2", "2"],
    ["sales.csv where City contains ari", "City,amount\nParis,2"],
    ["sales.csv rows 1", "City,amount\nBerlin,10.5\n(2 more rows)"],
    ["sales.csv columns", "City\namount"],
    ["mixed.csv sum a", "3"],
  ])("%s", async (input, expected) => {
    expect((await table.run(input, { cwd })).text).toBe(expected);
  });

  test.each([
    ["sales.csv sum price", 'no column "price", found City, amount'],
    ["sales.csv sum City", 'has "Berlin" in record 2'],
    ["sales.csv average amount where City = Rome", "no rows"],
    ["sales.csv where City", "expected a condition"],
    ["sales.csv where City constructor x", "expected a condition"],
    ["sales.csv constructor", 'unknown command "constructor"'],
    ["sales.csv rows x", "expected a number of rows"],
  ])("%s is refused", async (input, message) => {
    await expect(table.run(input, { cwd })).rejects.toThrow(message);
  });

  test.each([
    ["What is the mean of amount?", 'sales.csv average "amount"'],
    ["计算每列的平均值", "sales.csv average"],
    ["and the median?", "sales.csv median"],
    ["How many rows are there?", "sales.csv count"],
    ["Which columns does it have?", "sales.csv columns"],
    ["What is this?", "sales.csv"],
  ])("the question %j is an order", async (question, order) => {
    expect(await table.about(question, "sales.csv", { cwd })).toBe(order);
  });

  test("a question about another file is none about a table", async () => {
    expect(await table.about("the mean?", "notes.txt", { cwd })).toBeUndefined();
  });

  test.each([
    ['a,b\n"1,2', "never closed"],
    ['a,b\n"1"x,2', "after a closing quote"],
    ["a,b\n1", "record 2 has 1 fields, expected 2"],
    ["", "empty"],
  ])("%j is no table", (text, message) => {
    expect(() => table.parseTable(text)).toThrow(message);
  });

  test("what is written by the rules is read back as it was", () => {
    const field = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "字", ";") });
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.constantFrom("\n", "\r\n"), fc.boolean(), (records, newline, last) => {
        const text = records
          .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","))
          .join(newline);
        expect(table.parseRecords(last ? text + newline : text, ",")).toEqual(records);
      }),
    );
  });

  test("an empty field at the end counts", () => {
    expect(table.parseRecords("a,\n,b\n", ",")).toEqual([
      ["a", ""],
      ["", "b"],
    ]);
  });
});

describe("json", () => {
  test.each([
    ["data.json users[0].name", "Ada"],
    ['data.json users[0]["a.b"]', "1"],
    ["data.json n", "null"],
  ])("%s is %s", async (input, expected) => {
    expect((await json.run(input, { cwd })).text).toBe(expected);
  });

  test.each([
    ["data.json users[1]", "nothing at"],
    ["data.json users.length", "nothing at"],
    ["data.json __proto__", "nothing at"],
    ["data.json users[", "cannot follow the path"],
    ["bad.json", "is not JSON"],
    ["data.json a b", "expected a file and a path"],
  ])("%s is refused", async (input, message) => {
    await expect(json.run(input, { cwd })).rejects.toThrow(message);
  });
});

describe("fetch", () => {
  let address: string;
  let close: () => void;
  const answer: RequestListener = (request, response) => {
    if (request.url === "/text") return void response.setHeader("content-type", "text/plain").end("你好");
    if (request.url === "/json")
      return void response.setHeader("content-type", "application/json").end('{"a":1}');
    if (request.url === "/not-json")
      return void response.setHeader("content-type", "application/json").end("{");
    if (request.url === "/image") return void response.setHeader("content-type", "image/png").end("x");
    if (request.url === "/moved") return void response.writeHead(302, { location: "/text" }).end();
    if (request.url === "/charset")
      return void response.setHeader("content-type", "text/plain; charset=nope").end("x");
    if (request.url === "/big")
      return void response.setHeader("content-type", "text/plain").end("x".repeat(1_000_001));
    return void response.writeHead(404).end("gone");
  };
  beforeAll(async () => {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    address = bound !== null && typeof bound === "object" ? `http://127.0.0.1:${bound.port}` : "";
    close = () => {
      server.close();
      server.closeAllConnections();
    };
  });
  afterAll(() => close());

  test("fetches text, also where it moved to", async () => {
    expect(await http.run(`${address}/text`)).toMatchObject({
      text: "你好",
      data: { status: 200, bytes: 6 },
    });
    expect((await http.run(`fetch ${address}/moved`)).text).toBe("你好");
    expect((await http.run(`${address}/json`)).text).toBe('{\n  "a": 1\n}');
    expect((await http.run(`raw ${address}/json`)).text).toBe('{"a":1}');
    expect((await http.run(`${address}/not-json`)).text).toBe("{");
  });

  test.each([
    ["/image", "expected text, found image/png"],
    ["/missing", "answered 404"],
    ["/big", "more than 1000000 bytes"],
    ["/charset", "unknown charset nope"],
  ])("%s is refused", async (path, message) => {
    await expect(http.run(`${address}${path}`)).rejects.toThrow(message);
  });

  test.each([
    ["ftp://127.0.0.1/", "expected http or https, found ftp"],
    ["file:///etc/passwd", "expected http or https, found file"],
    ["not an address", "is not an address"],
    ["http://127.0.0.1:1/", "cannot fetch http://127.0.0.1:1/:"],
  ])("%s is refused", async (input, message) => {
    await expect(http.run(input)).rejects.toThrow(message);
  });

  test("takes addresses and nothing else", () => {
    expect(http.match("https://example.org/a?b=c")).toBeGreaterThan(0.9);
    expect(http.match("see https://example.org/")).toBe(0);
  });
});
