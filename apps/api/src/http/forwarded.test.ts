import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { forwardedAddress } from "./forwarded.ts";

const address = (headers: IncomingMessage["headers"], hops = 1) => {
  const req = new IncomingMessage(new Socket());
  req.headers = headers;
  return forwardedAddress(req, hops);
};

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["spoofed, 203.0.113.7", "203.0.113.7"],
  ["10.0.0.1, 203.0.113.7:4711", "203.0.113.7"],
  ["2001:db8::1", "2001:db8::1"],
  ["[2001:db8::1]:80", "2001:db8::1"],
  ["10.0.0.1, unknown", undefined],
  ["10.0.0.1,", undefined],
  ["", undefined],
])("of X-Forwarded-For: %s the nearest is %s", (told, expected) => {
  expect(address({ "x-forwarded-for": told })).toBe(expected);
});

test("several proxies are counted from the nearest one", () => {
  const told = { "x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.0.0.2" };
  expect([1, 2, 3, 9].map((hops) => address(told, hops))).toEqual([
    "10.0.0.2",
    "203.0.113.7",
    "6.6.6.6",
    "6.6.6.6",
  ]);
});

test("Forwarded is read where it is alone", () => {
  expect(address({})).toBeUndefined();
  expect(address({ forwarded: "for=6.6.6.6, for=203.0.113.7;proto=https;by=10.0.0.1" })).toBe("203.0.113.7");
  expect(address({ forwarded: 'proto=https;For="[2001:db8::1]:4711"' })).toBe("2001:db8::1");
  expect(address({ forwarded: "for=_hidden" })).toBeUndefined();
  expect(address({ forwarded: "for=6.6.6.6", "x-forwarded-for": "203.0.113.7" })).toBe("203.0.113.7");
});
