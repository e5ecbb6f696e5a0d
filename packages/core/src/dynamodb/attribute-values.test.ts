import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromAttributes, toAttributes } from "./attribute-values.ts";
import { translation } from "./requests.ts";

/** Items as JSON has them, without the one name that the SDK drops. */
const items = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 6, noUnicodeString: false }))
  .filter((item) => !JSON.stringify(item).includes("__proto__"));

describe("attribute values", () => {
  it("are those of the SDK, both ways", () => {
    fc.assert(
      fc.property(items, (item) => {
        const wire = toAttributes(item);
        expect(wire).toEqual(marshall(item, translation().marshallOptions));
        expect(fromAttributes(JSON.parse(JSON.stringify(wire)))).toEqual(
          unmarshall(marshall(item, translation().marshallOptions), translation().unmarshallOptions),
        );
      }),
    );
  });

  it("leave out what is undefined, and refuse what no item can have", () => {
    expect(toAttributes({ a: undefined, b: { c: undefined, d: 1 } })).toEqual({
      b: { M: { d: { N: "1" } } },
    });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol("s")])
      expect(() => toAttributes({ value })).toThrow(/expected/);
    expect(() => fromAttributes({ value: { XX: "?" } })).toThrow("expected an attribute of a known type");
  });

  it("read the bytes and sets of other programs as the SDK does", () => {
    const item = { bytes: new Uint8Array([1, 2, 255]), names: new Set(["a", "b"]), numbers: new Set([1, 2]) };
    const wire = {
      bytes: { B: Buffer.from(item.bytes).toString("base64") },
      names: { SS: ["a", "b"] },
      numbers: { NS: ["1", "2"] },
    };
    expect(fromAttributes(wire)).toEqual(item);
    expect(toAttributes({ bytes: item.bytes })).toEqual({ bytes: wire.bytes });
  });

  it("keep a name such as __proto__ as any other", () => {
    const item = JSON.parse('{"__proto__": {"constructor": "x"}, "toString": "y"}');
    const wire = JSON.parse(JSON.stringify(toAttributes(item)));
    expect(JSON.stringify(fromAttributes(wire))).toBe(JSON.stringify(item));
  });
});
