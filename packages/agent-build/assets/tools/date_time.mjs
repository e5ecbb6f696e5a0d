/** Answers questions about dates: now, add and subtract, difference, weekday, time zones. */

export const key = "date_time";

const DAY_MS = 86_400_000;
const DATE = String.raw`(\d{4}-\d{1,2}-\d{1,2})`;
const CLOCK = String.raw`(\d{4}-\d{1,2}-\d{1,2})[T ](\d{1,2}:\d{2}(?::\d{2})?)`;
const ZONE = String.raw`([A-Za-z_]+(?:\/[A-Za-z_+\-0-9]+)*)`;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** @typedef {{ now: Date }} Clock */
/** @typedef {{ text: string, data: Record<string, unknown> }} Answer */

/** A calendar day as UTC midnight; a day that does not exist is an error. @param {string} text */
function day(text) {
  const [year = 0, month = 0, date = 0] = text.split("-").map(Number);
  const found = new Date(Date.UTC(year, month - 1, date));
  if (found.getUTCMonth() !== month - 1 || found.getUTCDate() !== date) {
    throw new Error(`cannot tell: ${text} is not a day of the calendar`);
  }
  return found;
}

/** @param {Date} date */
const iso = (date) => date.toISOString().slice(0, 10);

/** Months and years keep the day where the month has it, else take its last. @param {Date} date @param {number} months */
function addMonths(date, months) {
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(date.getUTCDate(), last)));
}

/** @param {Date} date @param {number} amount @param {string} unit */
function add(date, amount, unit) {
  if (/^(?:y|年)/i.test(unit)) return addMonths(date, amount * 12);
  if (/^(?:mo|个?月)/i.test(unit)) return addMonths(date, amount);
  const days = /^(?:w|周|个?星期)/i.test(unit) ? amount * 7 : amount;
  return new Date(date.getTime() + days * DAY_MS);
}

/** @param {string} zone */
function zoneFormat(zone) {
  try {
    return new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  } catch (cause) {
    throw new Error(
      `cannot tell: unknown time zone ${JSON.stringify(zone)}, expected one such as Asia/Shanghai`,
      { cause },
    );
  }
}

/** The wall clock of a zone, `2024-05-01 10:00:00`. @param {Date} moment @param {string} zone */
function wallClock(moment, zone) {
  /** @type {Record<string, string>} */
  const parts = {};
  for (const { type, value } of zoneFormat(zone).formatToParts(moment)) parts[type] = value;
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`;
}

/** The moment at which a zone's clock shows a time; twice, as the offset may change on the way. @param {string} wall @param {string} zone */
function momentOf(wall, zone) {
  const target = Date.parse(`${wall.replace(" ", "T")}Z`);
  let moment = target;
  for (let round = 0; round < 2; round += 1) {
    moment += target - Date.parse(`${wallClock(new Date(moment), zone).replace(" ", "T")}Z`);
  }
  return new Date(moment);
}

/** @param {Date} from @param {Date} to @returns {Answer} */
function difference(from, to) {
  const days = Math.round((to.getTime() - from.getTime()) / DAY_MS);
  return { text: `${days} days`, data: { from: iso(from), to: iso(to), days } };
}

/** @param {Date} date @returns {Answer} */
function weekday(date) {
  const name = WEEKDAYS[date.getUTCDay()] ?? "";
  return { text: name, data: { date: iso(date), weekday: name } };
}

/** @param {string} date @param {string} time @param {string} from @param {string} to @returns {Answer} */
function convert(date, time, from, to) {
  const clock = time.length <= 5 ? `${time.padStart(5, "0")}:00` : time.padStart(8, "0");
  if (Number.isNaN(Date.parse(`1970-01-01T${clock}Z`)))
    throw new Error(`cannot tell: ${time} is not a time of day`);
  const text = `${wallClock(momentOf(`${iso(day(date))} ${clock}`, from), to)} ${to}`;
  return { text, data: { from, to, result: text } };
}

/** @param {string} start @param {string} sign @param {string} amount @param {string} unit @param {Date} now @returns {Answer} */
function shifted(start, sign, amount, unit, now) {
  const from = /^\d/.test(start) ? day(start) : day(iso(now));
  const minus = /^[-−]|减|minus/i.test(sign);
  const result = add(from, (minus ? -1 : 1) * Number(amount), unit);
  if (Number.isNaN(result.getTime())) throw new Error("cannot tell: the date is out of range");
  return { text: iso(result), data: { from: iso(from), result: iso(result) } };
}

/** @param {Date} now @param {string} [zone] @returns {Answer} */
function current(now, zone = "UTC") {
  const text = `${wallClock(now, zone)} ${zone}`;
  return { text, data: { now: now.toISOString(), zone } };
}

const UNIT = `(days?|weeks?|months?|years?|天|日|周|个?星期|个?月|年)`;
const START = String.raw`(\d{4}-\d{1,2}-\d{1,2}|today|now|今天)`;

/** Each form of a question, tried in this order. @type {readonly [RegExp, (found: string[], clock: Clock) => Answer][]} */
const FORMS = [
  [
    new RegExp(`^${CLOCK} ${ZONE} (?:to|in|->|到) ${ZONE}$`, "iu"),
    ([, d = "", t = "", a = "", b = ""]) => convert(d, t, a, b),
  ],
  [
    new RegExp(String.raw`^${START}\s*(\+|-|−|plus|minus|加上?|减去?)\s*(\d{1,6})\s*${UNIT}$`, "iu"),
    ([, start = "", sign = "", amount = "", unit = ""], { now }) => shifted(start, sign, amount, unit, now),
  ],
  [
    new RegExp(
      String.raw`^(?:(?:how many )?days (?:between|from) )?${DATE}\s*(?:to|until|and|->|到|至|和|与)\s*${DATE}\s*(?:相?差)?(?:多少天|几天|有多少天)?[?\uff1f]?$`,
      "iu",
    ),
    ([, from = "", to = ""]) => difference(day(from), day(to)),
  ],
  [
    new RegExp(
      String.raw`^(?:weekday|day of week|what day is)(?: of| is)?\s*${DATE}[?\uff1f]?$|^${DATE}\s*是?(?:星期几|周几|礼拜几)[?\uff1f]?$`,
      "iu",
    ),
    ([, first, second]) => weekday(day(first ?? second ?? "")),
  ],
  [
    new RegExp(`^(?:now|time|current time|what time is it)(?: (?:in|at) ${ZONE})?[?\uff1f]?$`, "iu"),
    ([, zone], { now }) => current(now, zone),
  ],
  [/^(?:现在|现在几点|现在时间|当前时间)[?\uff1f]?$/u, (_found, { now }) => current(now)],
  [
    /^(?:today|今天|今天日期|今天几号)[?\uff1f]?$/iu,
    (_found, { now }) => ({ text: iso(now), data: { today: iso(now) } }),
  ],
  [/^今天(?:是)?(?:星期几|周几)[?\uff1f]?$/u, (_found, { now }) => weekday(day(iso(now)))],
];

/** @param {string} input */
function formOf(input) {
  const text = input.trim().replace(/\s+/g, " ");
  for (const [pattern, answer] of FORMS) {
    const found = pattern.exec(text);
    if (found !== null) return { found: [...found], answer };
  }
  return undefined;
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  if (input.length > 200) return 0;
  if (formOf(input) !== undefined) return 0.95;
  return new RegExp(`^${DATE}$`).test(input.trim()) ? 0.5 : 0;
}

/** Times are UTC where no zone is named. @param {string} input @param {Clock} clock @returns {Answer} */
export function run(input, clock) {
  if (new RegExp(`^${DATE}$`).test(input.trim())) return weekday(day(input.trim()));
  const form = input.length > 200 ? undefined : formOf(input);
  if (form !== undefined) return form.answer(form.found, clock);
  throw new Error(
    'cannot tell: expected a question such as "now in Asia/Shanghai", "2024-01-31 + 1 month", "2024-01-01 to 2024-03-01" or "weekday 2024-05-01"',
  );
}
