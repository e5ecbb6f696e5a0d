import { describe, expect, it } from "vitest";
import { entriesOf, fieldsOf, readEntries } from "./model.ts";

const schema = {
  type: "object",
  required: ["ok", "size", "address"],
  properties: {
    ok: { type: "boolean" },
    size: { type: "integer", minimum: 1, maximum: 9, title: "How large" },
    comment: { type: "string", maxLength: 2000, description: "Why" },
    colour: { enum: ["red", "green"], default: "green" },
    channels: { type: "array", items: { enum: ["mail", "chat"] } },
    lines: { type: "array", items: { type: "string" } },
    address: {
      type: "object",
      required: ["city"],
      properties: { city: { type: "string" }, zip: { type: "string" } },
    },
    other: { type: "array", items: { type: "object" } },
  },
};

describe("a form of a JSON Schema", () => {
  const fields = fieldsOf(schema);
  it("has a control for each field, nested ones in groups", () => {
    expect(fields.map(({ key, kind, required, label }) => [key, kind, required, label])).toEqual([
      ["ok", "boolean", true, "ok"],
      ["size", "integer", true, "How large"],
      ["comment", "long", false, "comment"],
      ["colour", "choice", false, "colour"],
      ["channels", "choices", false, "channels"],
      ["lines", "lines", false, "lines"],
      ["address", "group", true, "address"],
      ["other", "json", false, "other"],
    ]);
    expect(entriesOf(fields)).toEqual({
      ok: false,
      size: "",
      comment: "",
      colour: "1",
      channels: [],
      lines: "",
      "address.city": "",
      "address.zip": "",
      other: "",
    });
  });

  it("reads what was filled in, and leaves out what was left empty", () => {
    const entries = {
      ...entriesOf(fields),
      ok: true,
      size: " 3 ",
      channels: ["1"],
      lines: "a\n\n b ",
      "address.city": "Bonn",
      other: '[{"a":1}]',
    };
    expect(readEntries(fields, entries)).toEqual({
      value: {
        ok: true,
        size: 3,
        colour: "green",
        channels: ["chat"],
        lines: ["a", "b"],
        address: { city: "Bonn" },
        other: [{ a: 1 }],
      },
      problems: {},
    });
  });

  it("says what is wrong, by field", () => {
    const wrong = { ...entriesOf(fields), size: "2.5", other: "{" };
    expect(readEntries(fields, wrong).problems).toEqual({
      size: "integer",
      "address.city": "missing",
      other: "json",
    });
    expect(readEntries(fields, { ...wrong, size: "x" }).problems.size).toBe("number");
    expect(readEntries(fields, { ...wrong, size: "10" }).problems.size).toBe("most");
    expect(readEntries(fields, { ...wrong, size: "0" }).problems.size).toBe("least");
  });

  it("begins with a value that was given before", () => {
    const given = fieldsOf(schema, { size: 4, address: { zip: "53111" }, channels: ["mail"], other: [1] });
    expect(entriesOf(given)).toMatchObject({
      size: "4",
      "address.zip": "53111",
      channels: ["0"],
      other: "[\n  1\n]",
    });
  });
});

it("a schema of one value is one control", () => {
  const fields = fieldsOf({ enum: ["yes", "no"] });
  expect(readEntries(fields, { "": "1" })).toEqual({ value: "no", problems: {} });
  expect(readEntries(fieldsOf({ type: "string" }), { "": "" }).problems).toEqual({ "": "missing" });
});
