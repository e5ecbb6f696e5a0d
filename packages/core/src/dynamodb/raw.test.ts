import { expect, it } from "vitest";
import { type RawItem, toDynamoJson, toPlain } from "./raw.ts";

const everything: RawItem = {
  project_id: { S: "proj_000000000001" },
  number: { N: "42.86" },
  long: { N: "1.01234567890123456789" },
  yes: { BOOL: true },
  nothing: { NULL: true },
  map: { M: { list: { L: [{ N: "1" }, { S: "文" }] } } },
  names: { SS: ["a", "b"] },
  counts: { NS: ["1", "2"] },
  bytes: { B: new Uint8Array([0, 255]) },
  many: { BS: [new Uint8Array([1]), new Uint8Array()] },
};

it("DynamoDB JSON keeps the type of every value, and bytes in base64", () => {
  expect(JSON.parse(toDynamoJson(everything))).toEqual({
    ...everything,
    bytes: { B: "AP8=" },
    many: { BS: ["AQ==", ""] },
  });
});

it("plain JSON says when it cannot keep something", () => {
  expect(toPlain(everything)).toEqual({
    exact: false,
    item: {
      project_id: "proj_000000000001",
      number: 42.86,
      long: 1.0123456789012346,
      yes: true,
      nothing: null,
      map: { list: [1, "文"] },
      names: ["a", "b"],
      counts: [1, 2],
      bytes: "AP8=",
      many: ["AQ==", ""],
    },
  });
  expect(toPlain({ a: { N: "42.86" }, b: { N: "1e40" }, c: { N: "0.1" }, d: { N: "-7" } }).exact).toBe(true);
  expect(toPlain({ a: { N: "0.1000000000000000055" } }).exact).toBe(false);
  for (const lossy of ["long", "names", "counts", "bytes", "many"] as const)
    expect(toPlain({ value: everything[lossy] ?? { NULL: true } }).exact, lossy).toBe(false);
});
