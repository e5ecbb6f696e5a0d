import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as dateTime from "../../assets/tools/date_time.mjs";
import * as statistics from "../../assets/tools/number_statistics.mjs";
import * as units from "../../assets/tools/unit_converter.mjs";

const now = new Date("2024-05-01T06:30:00.000Z");

describe("units", () => {
  test.each([
    ["10 km to miles", "10 km = 6.213711922 mi"],
    ["100公里换算成英里", "100 km = 62.13711922 mi"],
    ["5 GB to MB", "5 GB = 5000 MB"],
    ["1 GiB in MiB", "1 GiB = 1024 MiB"],
    ["8 Mbit to MB", "8 Mbit = 1 MB"],
    ["72°F to °C", "72 °F = 22.22222222 °C"],
    ["-40 C to F", "-40 °C = -40 °F"],
    ["0 摄氏度 等于多少 华氏度", "0 °C = 32 °F"],
    ["convert 1,000 g to kg", "1000 g = 1 kg"],
    ["3 fluid ounces to ml?", "3 floz = 88.72058869 ml"],
    ["2 斤 是多少 克", "2 jin = 1000 g"],
    ["90 km/h to m/s", "90 km/h = 25 m/s"],
    ["1.5 hours to minutes", "1.5 h = 90 min"],
    ["0.5 in to mm", "0.5 in = 12.7 mm"],
  ])("%s", (input, expected) => {
    expect(units.run(input).text).toBe(expected);
    expect(units.match(input)).toBeGreaterThan(0.9);
  });

  test.each([
    ["5 kg to metres", "kg is a unit of mass, m of length"],
    ["5 parsecs to km", 'unknown unit "parsecs"'],
    ["-1 K to C", "below absolute zero"],
    ["hello", "expected a question"],
    ["1 constructor to km", "unknown unit"],
  ])("%s is refused", (input, message) => {
    expect(() => units.run(input)).toThrow(message);
  });

  test("there and back is the same, for any two units of a kind", () => {
    const kinds = [
      ["m", "km", "mile", "ft", "nmi"],
      ["kg", "lb", "oz", "斤"],
      ["K", "C", "F"],
      ["l", "gal", "cup"],
      ["B", "KiB", "MB", "bit"],
    ];
    const pair = fc
      .constantFrom(...kinds)
      .chain((names) => fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)));
    fc.assert(
      fc.property(pair, fc.integer({ min: 0, max: 100_000 }), ([from, to], value) => {
        const there = units.run(`${value} ${from} to ${to}`).data.result;
        const back = units.run(`${there.toFixed(12)} ${to} to ${from}`).data.result;
        expect(back).toBeCloseTo(value, 4);
      }),
    );
  });
});

describe("dates", () => {
  test.each([
    ["2024-02-28 to 2024-03-01", "2 days"],
    ["days between 2024-03-01 and 2024-02-28", "-2 days"],
    ["2024-01-01 到 2024-12-31 相差多少天？", "365 days"],
    ["2024-01-31 + 1 month", "2024-02-29"],
    ["2024-02-29 plus 1 year", "2025-02-28"],
    ["2024-03-31 - 1 month", "2024-02-29"],
    ["2024-01-01 - 1 day", "2023-12-31"],
    ["today + 2 weeks", "2024-05-15"],
    ["今天 加 3 天", "2024-05-04"],
    ["weekday 2024-05-01", "Wednesday"],
    ["2000-01-01是星期几", "Saturday"],
    ["2024-05-01", "Wednesday"],
    ["today", "2024-05-01"],
    ["今天星期几？", "Wednesday"],
    ["now", "2024-05-01 06:30:00 UTC"],
    ["now in Asia/Shanghai", "2024-05-01 14:30:00 Asia/Shanghai"],
    ["time in America/New_York", "2024-05-01 02:30:00 America/New_York"],
    ["现在几点", "2024-05-01 06:30:00 UTC"],
    ["2024-05-01 10:00 Europe/Berlin to Asia/Tokyo", "2024-05-01 17:00:00 Asia/Tokyo"],
    ["2024-03-31 12:00 Europe/Berlin to UTC", "2024-03-31 10:00:00 UTC"],
    ["2024-03-31 01:30 Europe/Berlin to UTC", "2024-03-31 00:30:00 UTC"],
  ])("%s is %s", (input, expected) => {
    expect(dateTime.run(input, { now }).text).toBe(expected);
  });

  test.each([
    ["weekday 2023-02-29", "not a day of the calendar"],
    ["2024-13-01 to 2024-01-01", "not a day of the calendar"],
    ["now in Mars/Base", "unknown time zone"],
    ["2024-05-01 25:00 UTC to Asia/Tokyo", "not a time of day"],
    ["2024-05-01 + 999999 years", "out of range"],
    ["next Tuesday", "expected a question"],
  ])("%s is refused", (input, message) => {
    expect(() => dateTime.run(input, { now })).toThrow(message);
  });

  test("adding days and taking the difference agree", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 9999 }), (start, days) => {
        const from = new Date(start * 86_400_000).toISOString().slice(0, 10);
        const to = dateTime.run(`${from} + ${days} days`, { now }).text;
        expect(dateTime.run(`${from} to ${to}`, { now }).text).toBe(`${days} days`);
      }),
    );
  });
});

describe("number statistics", () => {
  test("describes a list", () => {
    expect(statistics.run("stats 3, 1 2 10").data).toEqual({
      count: 4,
      sum: 16,
      mean: 4,
      median: 2.5,
      min: 1,
      max: 10,
      standard_deviation: Math.sqrt(50 / 3),
    });
    expect(statistics.run("平均值: 5").data).toMatchObject({ mean: 5, standard_deviation: 0 });
  });

  test.each([
    ["1 two", 'found "two"'],
    ["stats", "at least one number"],
    ["1 Infinity", 'found "Infinity"'],
  ])("%s is refused", (input, message) => {
    expect(() => statistics.run(input)).toThrow(message);
  });

  test("the median has as many numbers below as above it", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 50 }), (values) => {
        const { median, min, max } = statistics.describe(values);
        const below = values.filter((value) => value < median).length;
        const above = values.filter((value) => value > median).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
        expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
      }),
    );
  });
});
