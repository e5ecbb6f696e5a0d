/** Whether two JSON values are equal, in whatever order their fields are. A field that is undefined is none. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((inner, i) => isSameJson(inner, b[i]))
    );
  const fields = fieldsOf(a);
  return (
    fields.length === fieldsOf(b).length &&
    fields.every((field) => isSameJson(Reflect.get(a, field), Reflect.get(b, field)))
  );
}

function fieldsOf(value: object): string[] {
  return Object.keys(value).filter((field) => Reflect.get(value, field) !== undefined);
}
