/** Why nothing in the catalogue can do it. */
export type GapReason =
  | "live_data"
  | "language_model"
  | "file_format"
  | "media"
  | "service"
  | "state"
  | "promise";

/** A gap on one line; `slug` and words as in `Capability`. */
export type GapRow = readonly [
  key: string,
  slug: string,
  reason: GapReason,
  en: string,
  zh: string,
  wordsEn: string,
  wordsZh: string,
];
