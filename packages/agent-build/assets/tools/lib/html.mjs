/** HTML as text. */

import { convert } from "html-to-text";

/** @param {string} html The links' addresses stand in brackets behind their texts; pictures are left out. */
export function htmlToText(html) {
  const heading = { options: { uppercase: false } };
  return convert(html, {
    wordwrap: false,
    limits: { maxInputLength: 8_000_000 },
    selectors: [
      ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, ...heading })),
      ...["head", "title", "script", "style"].map((selector) => ({ selector, format: "skip" })),
      { selector: "img", format: "skip" },
      { selector: "a", options: { ignoreHref: false, hideLinkHrefIfSameAsText: true, noAnchorUrl: true } },
      { selector: "table", format: "dataTable", options: { uppercaseHeaderCells: false } },
    ],
  });
}
