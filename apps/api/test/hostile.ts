import fc from "fast-check";
import { z } from "zod";

/** Texts that break what does not expect them. */
const TEXTS = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\0",
    "\ud83d",
    "\udc00x",
    "__proto__",
    "constructor",
    "../..",
    "..%2f..%2fetc",
    "a/../../b",
    "/etc/passwd",
    "x".repeat(300),
    "é".repeat(5000),
    "\u202Etxt.exe",
    "a\r\nb: c",
    "%00",
    "{{7*7}}",
    "%s%n",
    "'; DROP TABLE projects; --",
    "NaN",
    "1e400",
    "2099-01-01T00:00:00.000Z",
    "9999-99-99T99:99:99.999Z",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

const NUMBERS = fc.oneof(
  fc.constantFrom(0, -0, -1, 1, 0.5, 1e300, -1e300, 5e-324, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 63),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const DEEP: unknown = Array.from({ length: 200 }).reduce((inner: unknown) => ({ a: [inner] }), 1);

export const HOSTILE: fc.Arbitrary<unknown> = fc.oneof(
  TEXTS,
  NUMBERS,
  fc.constantFrom<unknown>(null, true, [], {}, DEEP, JSON.parse('{"__proto__":{"a":1}}')),
  fc.jsonValue({ maxDepth: 4 }),
);

/** Mostly what the schema takes, and now and then what it does not, at any depth. `texts`: such as ids that there are. */
export function hostileInput(
  schema: z.core.$ZodType,
  texts: readonly string[],
  depth = 0,
): fc.Arbitrary<unknown> {
  const inner = (one: z.core.$ZodType) => hostileInput(one, texts, depth + 1);
  const valid = validInput(schema, texts, inner, depth);
  return fc.oneof({ weight: 12, arbitrary: valid }, { weight: 1, arbitrary: HOSTILE });
}

function validInput(
  schema: z.core.$ZodType,
  texts: readonly string[],
  inner: (one: z.core.$ZodType) => fc.Arbitrary<unknown>,
  depth: number,
): fc.Arbitrary<unknown> {
  if (depth > 8) return HOSTILE;
  if (schema instanceof z.ZodObject)
    return fc.record(
      Object.fromEntries(Object.entries(schema.shape).map(([name, one]) => [name, inner(one)])),
      {
        requiredKeys: Object.entries(schema.shape)
          .filter(([, one]) => !(one instanceof z.ZodOptional || one instanceof z.ZodDefault))
          .map(([name]) => name),
      },
    );
  if (schema instanceof z.ZodString)
    return fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...texts) }, { weight: 3, arbitrary: TEXTS });
  if (schema instanceof z.ZodNumber) return fc.oneof(fc.integer({ min: 0, max: 100 }), NUMBERS);
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values);
  if (schema instanceof z.ZodArray)
    return fc.oneof(
      { weight: 9, arbitrary: fc.array(inner(schema.element), { maxLength: 4 }) },
      { weight: 1, arbitrary: inner(schema.element).map((one) => Array.from({ length: 1500 }, () => one)) },
    );
  if (schema instanceof z.ZodRecord)
    return fc.dictionary(fc.oneof(TEXTS, fc.constantFrom(...texts)), inner(schema.valueType), { maxKeys: 4 });
  if (schema instanceof z.ZodUnion) return fc.oneof(...schema.options.map(inner));
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodReadonly)
    return inner(schema.unwrap());
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return inner(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return inner(schema.in);
  if (schema instanceof z.ZodLazy) return inner(schema.unwrap());
  return HOSTILE;
}
