/** Greets people by time of day, in several languages. */

export const key = "greeting";

/** Morning, afternoon, evening. @type {Readonly<Record<string, readonly [string, string, string]>>} */
const GREETINGS = {
  en: ["Good morning", "Good afternoon", "Good evening"],
  zh: ["早上好", "下午好", "晚上好"],
  ja: ["おはようございます", "こんにちは", "こんばんは"],
  ko: ["좋은 아침입니다", "좋은 오후입니다", "좋은 저녁입니다"],
  fr: ["Bonjour", "Bon après-midi", "Bonsoir"],
  de: ["Guten Morgen", "Guten Tag", "Guten Abend"],
  es: ["Buenos días", "Buenas tardes", "Buenas noches"],
};

const ORDER = /^(?:greet|hello|hi|问候|你好)(?:[\s,，]+(.*))?$/isu;

/** @param {number} hour */
const partOfDay = (hour) => (hour >= 5 && hour < 12 ? 0 : hour >= 12 && hour < 18 ? 1 : 2);

/** @param {string} text */
function hourOf(text) {
  const [hour = 0, minute = 0] = text.split(":").map(Number);
  if (hour > 23 || minute > 59) throw new Error(`cannot greet: ${text} is not a time of day`);
  return hour;
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  return input.length <= 200 && ORDER.test(input.trim()) ? 0.7 : 0;
}

/** @param {string} input Such as `greet Anna in de at 09:30`. @param {{ now: Date }} context Its hour counts, as this machine's clock shows it. */
export function run(input, { now }) {
  const order = ORDER.exec(input.trim().slice(0, 200));
  let rest = (order === null ? input : (order[1] ?? "")).trim();
  const time = /(?:^|\s)at\s+(\d{1,2}:\d{2})$/i.exec(rest);
  if (time !== null) rest = rest.slice(0, time.index).trim();
  const named = /(?:^|\s)in\s+([a-z]{2})$/i.exec(rest);
  if (named !== null) rest = rest.slice(0, named.index).trim();
  const language = named?.[1]?.toLowerCase() ?? (/\p{Script=Han}/u.test(input) ? "zh" : "en");
  const forms = Object.hasOwn(GREETINGS, language) ? GREETINGS[language] : undefined;
  if (forms === undefined)
    throw new Error(
      `cannot greet in ${JSON.stringify(language)}, known are ${Object.keys(GREETINGS).join(", ")}`,
    );
  const greeting = forms[partOfDay(time?.[1] === undefined ? now.getHours() : hourOf(time[1]))] ?? forms[0];
  const wide = language === "zh" || language === "ja";
  const text = rest === "" ? greeting : `${greeting}${wide ? "，" : ", "}${rest}`;
  return { text, data: { language, name: rest, greeting } };
}
