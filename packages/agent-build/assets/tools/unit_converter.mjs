/** Converts between units of length, area, mass, volume, temperature, time, speed and data. */

export const key = "unit_converter";

/**
 * @typedef {{ symbol: string, kind: string, factor: number, offset: number, names: string[] }} Unit
 * A value in base units is (value + offset) * factor.
 */

/** Symbol, factor to the base unit, then further names. @type {Readonly<Record<string, readonly [string, number, string][]>>} */
const UNITS = {
  length: [
    ["m", 1, "meter meters metre metres 米 公尺"],
    ["km", 1000, "kilometer kilometers kilometre kilometres 公里 千米"],
    ["cm", 0.01, "centimeter centimeters centimetre centimetres 厘米 公分"],
    ["mm", 0.001, "millimeter millimeters millimetre millimetres 毫米"],
    ["um", 1e-6, "µm micrometer micrometers 微米"],
    ["nm", 1e-9, "nanometer nanometers 纳米"],
    ["mi", 1609.344, "mile miles 英里"],
    ["yd", 0.9144, "yard yards 码"],
    ["ft", 0.3048, "foot feet 英尺"],
    ["in", 0.0254, "inch inches 英寸"],
    ["nmi", 1852, "nautical_mile nautical_miles 海里"],
    ["li", 500, "里 华里"],
  ],
  area: [
    ["m2", 1, "m² sqm square_meter square_meters 平方米"],
    ["km2", 1e6, "km² square_kilometer square_kilometers 平方公里 平方千米"],
    ["ha", 10_000, "hectare hectares 公顷"],
    ["acre", 4046.8564224, "acres 英亩"],
    ["ft2", 0.09290304, "ft² sqft square_foot square_feet 平方英尺"],
    ["mu", 10_000 / 15, "亩"],
  ],
  mass: [
    ["kg", 1, "kilogram kilograms 千克 公斤"],
    ["g", 0.001, "gram grams 克"],
    ["mg", 1e-6, "milligram milligrams 毫克"],
    ["t", 1000, "tonne tonnes 吨"],
    ["lb", 0.45359237, "lbs pound pounds 磅"],
    ["oz", 0.028349523125, "ounce ounces 盎司"],
    ["st", 6.35029318, "stone stones 英石"],
    ["jin", 0.5, "斤 市斤"],
    ["liang", 0.05, "两"],
  ],
  volume: [
    ["l", 1, "L liter liters litre litres 升 公升"],
    ["ml", 0.001, "mL milliliter milliliters millilitre millilitres 毫升"],
    ["m3", 1000, "m³ cubic_meter cubic_meters 立方米"],
    ["gal", 3.785411784, "gallon gallons 加仑"],
    ["qt", 0.946352946, "quart quarts 夸脱"],
    ["pt", 0.473176473, "pint pints 品脱"],
    ["cup", 0.2365882365, "cups 杯"],
    ["floz", 0.0295735295625, "fl_oz fluid_ounce fluid_ounces 液盎司"],
    ["tbsp", 0.01478676478125, "tablespoon tablespoons 汤匙"],
    ["tsp", 0.00492892159375, "teaspoon teaspoons 茶匙"],
  ],
  time: [
    ["s", 1, "sec second seconds 秒"],
    ["ms", 0.001, "millisecond milliseconds 毫秒"],
    ["min", 60, "minute minutes 分钟"],
    ["h", 3600, "hr hour hours 小时"],
    ["d", 86_400, "day days 天 日"],
    ["week", 604_800, "weeks 周 星期"],
    ["year", 31_557_600, "years 年"],
  ],
  speed: [
    ["m/s", 1, "mps 米每秒"],
    ["km/h", 1 / 3.6, "kmh kph 公里每小时"],
    ["mph", 0.44704, "mi/h 英里每小时"],
    ["kn", 1852 / 3600, "knot knots 节"],
  ],
  data: [
    ["B", 1, "byte bytes 字节"],
    ["bit", 0.125, "bits 比特 位"],
    ["kB", 1e3, "KB kilobyte kilobytes 千字节"],
    ["MB", 1e6, "megabyte megabytes 兆字节"],
    ["GB", 1e9, "gigabyte gigabytes 吉字节"],
    ["TB", 1e12, "terabyte terabytes 太字节"],
    ["KiB", 1024, "kibibyte kibibytes"],
    ["MiB", 1024 ** 2, "mebibyte mebibytes"],
    ["GiB", 1024 ** 3, "gibibyte gibibytes"],
    ["TiB", 1024 ** 4, "tebibyte tebibytes"],
    ["kbit", 125, "kilobit kilobits"],
    ["Mbit", 125_000, "megabit megabits"],
    ["Gbit", 125_000_000, "gigabit gigabits"],
  ],
};

/** @type {Unit[]} */
const TEMPERATURES = [
  { symbol: "K", kind: "temperature", factor: 1, offset: 0, names: ["kelvin", "开尔文"] },
  {
    symbol: "°C",
    kind: "temperature",
    factor: 1,
    offset: 273.15,
    names: ["C", "celsius", "centigrade", "摄氏度", "摄氏", "℃"],
  },
  {
    symbol: "°F",
    kind: "temperature",
    factor: 5 / 9,
    offset: 459.67,
    names: ["F", "fahrenheit", "华氏度", "华氏", "℉"],
  },
];

/** @type {Unit[]} */
const ALL = [
  ...Object.entries(UNITS).flatMap(([kind, rows]) =>
    rows.map(([symbol, factor, names]) => ({ symbol, kind, factor, offset: 0, names: names.split(" ") })),
  ),
  ...TEMPERATURES,
];

/** As written first, then without regard to case: MB is not Mb, but Miles is miles. @param {string} text */
function findUnit(text) {
  const wanted = text.trim().replace(/\s+/g, "_");
  const lower = wanted.toLowerCase();
  return (
    ALL.find((unit) => unit.symbol === wanted || unit.names.includes(wanted)) ??
    ALL.find((unit) => [unit.symbol, ...unit.names].some((name) => name.toLowerCase() === lower))
  );
}

const NUMBER = String.raw`([-+−]?(?:\d[\d,_]*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?)`;
const BETWEEN = String.raw`(?:\s+(?:to|in|into|as)\s+|\s*(?:->|→|=>|=)\s*|\s*(?:换算|转换|转化|等于|是|合|转)(?:成|为|到)?(?:多少)?\s*)`;
const QUESTION = new RegExp(
  String.raw`^(?:convert|how\s+much\s+is|what\s+is|请?把?将?)?\s*${NUMBER}\s*(.+?)${BETWEEN}(?:多少)?(.+?)\s*[?\uff1f]?$`,
  "iu",
);

/** @param {string} input */
function parse(input) {
  if (input.length > 200) return undefined;
  const found = QUESTION.exec(input.trim());
  const [, number, from, to] = found ?? [];
  if (number === undefined || from === undefined || to === undefined) return undefined;
  return { value: Number(number.replace(/[,_]/g, "").replace("−", "-")), from, to };
}

/** @param {number} value */
const format = (value) => String(Number(value.toPrecision(10)));

/** @param {string} name */
function unitOrFail(name) {
  const unit = findUnit(name);
  if (unit !== undefined) return unit;
  throw new Error(`cannot convert: unknown unit ${JSON.stringify(name.trim())}`);
}

/** Throws an Error for unknown units, units of different kinds and values below absolute zero. @param {string} input */
export function run(input) {
  const question = parse(input);
  if (question === undefined) throw new Error('cannot convert: expected a question such as "10 km to miles"');
  const from = unitOrFail(question.from);
  const to = unitOrFail(question.to);
  if (from.kind !== to.kind) {
    throw new Error(`cannot convert: ${from.symbol} is a unit of ${from.kind}, ${to.symbol} of ${to.kind}`);
  }
  const base = (question.value + from.offset) * from.factor;
  if (from.kind === "temperature" && base < 0) {
    throw new Error(`cannot convert: ${question.value} ${from.symbol} is below absolute zero`);
  }
  const value = base / to.factor - to.offset;
  if (!Number.isFinite(value)) throw new Error("cannot convert: the result is too large");
  const text = `${format(question.value)} ${from.symbol} = ${format(value)} ${to.symbol}`;
  return {
    text,
    data: { value: question.value, from: from.symbol, to: to.symbol, kind: from.kind, result: value },
  };
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  const question = parse(input);
  if (question === undefined) return 0;
  const known = [question.from, question.to].filter((name) => findUnit(name) !== undefined).length;
  return known === 2 ? 0.95 : known === 1 ? 0.6 : 0;
}
