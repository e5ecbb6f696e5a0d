/** The text of PDF files. */

import * as pdfjs from "unpdf/pdfjs";

/** The package has no types for it. @type {any} */
const { getDocument } = pdfjs;

/**
 * Files with Chinese text may name a standard encoding instead of carrying one. It is needed to find the shapes of
 * characters alone; their meaning is in the file's own table, so a table that changes nothing will do.
 */
class PlainEncodings {
  /** @param {{ name: string }} wanted */
  async fetch({ name }) {
    const table = `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /${name} def
1 begincodespacerange <0000> <FFFF> endcodespacerange 1 begincidrange <0000> <FFFF> 0 endcidrange
endcmap CMapName currentdict /CMap defineresource pop end end`;
    return { cMapData: new TextEncoder().encode(table), isCompressed: false };
  }
}

/** The text of each page. Pictures of text have none. @param {Uint8Array} bytes @returns {Promise<string[]>} */
export async function pdfPages(bytes) {
  const loading = getDocument({
    data: Uint8Array.from(bytes),
    CMapReaderFactory: PlainEncodings,
    cMapUrl: "unused/",
    useSystemFonts: true,
    useWorkerFetch: false,
    isEvalSupported: false,
    verbosity: 0,
  });
  const document = await loading.promise;
  try {
    const pages = [];
    for (let number = 1; number <= document.numPages; number += 1) {
      const { items } = await (await document.getPage(number)).getTextContent();
      const text = items
        .map(
          (/** @type {{ str?: string, hasEOL?: boolean }} */ item) =>
            (item.str ?? "") + (item.hasEOL ? "\n" : ""),
        )
        .join("");
      pages.push(text.trim());
    }
    return pages;
  } finally {
    await loading.destroy();
  }
}
