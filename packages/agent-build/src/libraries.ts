import { readFile } from "node:fs/promises";
import { StageError } from "@stagefold/pipeline";
import type { GeneratedFile } from "./author.ts";
import { toolFolder } from "./paths.ts";

/** Built from `assets/tools/lib` with the packages that they need, a file each. */
const BUILT = new URL("../dist/lib/", import.meta.url);

/** What tools may import as `./lib/<name>.mjs`, and what each exports. */
export const LIBRARIES: Readonly<Record<string, string>> = {
  html: "htmlToText(html): string",
  xml: "parseXml(text): nodes { name, text, attributes, children }[]; textOf(node): string; xmlToText(text): string",
  office:
    "docxToText(bytes): string; pptxSlides(bytes): string[]; xlsxSheets(bytes): Promise<{ name, rows: string[][] }[]>",
  pdf: "pdfPages(bytes): Promise<string[]>",
  sheet: "xlsxBytes(columns: string[], rows: string[][]): Promise<Uint8Array>",
  markdown:
    "markdownToHtml(markdown): string; markdownToDocx(markdown): Promise<Uint8Array>; markdownToPdf(markdown): Uint8Array",
  aws: "signed({ url, headers, body, service, region, accessKeyId, secretAccessKey, sessionToken? }): Promise<{ url, init }> for fetch(url, init)",
};

/** Names of the libraries that a tool's source loads. */
function librariesOf(source: string): string[] {
  const names = Array.from(source.matchAll(/["']\.\/lib\/([^"']+)\.mjs["']/g), (found) => found[1] ?? "");
  return [...new Set(names)];
}

/** The files that a tool loads and that are not tools. Throws a StageError for a library that does not exist. */
export async function libraryFiles(agent: string, source: string): Promise<GeneratedFile[]> {
  return await Promise.all(
    librariesOf(source).map(async (name) => {
      if (!Object.hasOwn(LIBRARIES, name))
        throw new StageError(
          `expected one of the libraries ${Object.keys(LIBRARIES).join(", ")}, found ./lib/${name}.mjs`,
        );
      return {
        path: `${toolFolder(agent)}/lib/${name}.mjs`,
        content: await readFile(new URL(`${name}.mjs`, BUILT), "utf8"),
        media_type: "text/javascript",
      };
    }),
  );
}
