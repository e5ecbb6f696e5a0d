import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as reader from "../../assets/tools/document_reader.mjs";
import * as writer from "../../assets/tools/document_writer.mjs";
import * as fileWriter from "../../assets/tools/file_writer.mjs";
import * as table from "../../assets/tools/table_reader.mjs";
import * as tableWriter from "../../assets/tools/table_writer.mjs";

const MARKDOWN = `# 潮汐 Tides

High water at **six** & [more](https://example.org/).

1. one
2. two
   - inner

| 城市 | amount |
| --- | --- |
| Berlin | 10.5 |

\`\`\`
code
\`\`\`
`;

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "documents-"));
  await writeFile(join(cwd, "notes.md"), MARKDOWN);
  await writeFile(
    join(cwd, "sales.csv"),
    'city,amount,day\nBerlin,10.5,2024-01-31\n"Paris, 7e",2,2024-02-29\n',
  );
});
afterAll(async () => await rm(cwd, { recursive: true, force: true }));

describe("documents", () => {
  test("what is written as a Word document is read back as Markdown", async () => {
    await writer.run("notes.md to notes.docx", { cwd });
    const { text } = await reader.run("notes.docx", { cwd });
    expect(text).toContain("# 潮汐 Tides");
    expect(text).toContain("High water at six & more.");
    expect(text).toContain("| Berlin | 10.5 |");
    expect(text).toMatch(/1\. one[\s\S]*2\. two[\s\S]*- inner[\s\S]*code/);
  });

  test("what is written as PDF is read back, Chinese text too, over several pages", async () => {
    const long = Array.from({ length: 120 }, (_, index) => `第${index}段 paragraph ${index}.`).join("\n\n");
    await writer.run(`write long.pdf: # 标题 Title\n\n${long}`, { cwd });
    const { text, data } = await reader.run("long.pdf", { cwd });
    expect(data.parts).toBeGreaterThan(2);
    expect(text.replaceAll(/\s/g, "")).toContain("标题Title");
    for (const index of [0, 60, 119])
      expect(text.replaceAll(/\s/g, "")).toContain(`第${index}段paragraph${index}.`);
    const second = await reader.run("read long.pdf page 2", { cwd });
    expect(text).toContain(second.text);
  });

  test("lines of a PDF stay within the page", async () => {
    const { pdfOf } = await import("../../assets/tools/lib/parts/typeset-pdf.mjs");
    const pdf = pdfOf("t", [{ text: "字".repeat(200) + "w".repeat(500), size: 11, bold: false, indent: 0 }]);
    const codes = Array.from(
      pdf.toString("latin1").matchAll(/\/F3 11 Tf <([0-9a-f]+)>/g),
      (found) => found[1] ?? "",
    );
    expect(codes.join("")).toBe("5b57".repeat(200));
    for (const code of codes) expect((code.length / 4) * 11).toBeLessThanOrEqual(595 - 2 * 56);
  });

  test("HTML in Markdown is shown and not obeyed", async () => {
    const hostile = "# T\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) a <b onclick=x>b</b>";
    await writer.run(`write hostile.html: ${hostile}`, { cwd });
    const html = await readFile(join(cwd, "hostile.html"), "utf8");
    expect(html).not.toMatch(/<script|<b onclick|javascript:/);
    expect(html).toContain("&lt;script&gt;");
  });

  test("the slides of a presentation are read in order", async () => {
    const slide = (text: string) =>
      strToU8(`<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:sld>`);
    const names = Array.from({ length: 11 }, (_, index) => [
      `ppt/slides/slide${11 - index}.xml`,
      slide(`text ${11 - index} &amp; more`),
    ]);
    await writeFile(join(cwd, "deck.pptx"), zipSync(Object.fromEntries(names)));
    const { text } = await reader.run("读取 deck.pptx", { cwd });
    expect(text).toMatch(/^## Slide 1\n\ntext 1 & more\n\n## Slide 2\n\ntext 2[\s\S]*## Slide 11\n\ntext 11/);
    expect((await reader.run("deck.pptx slide 3", { cwd })).text).toContain("text 3");
    await expect(reader.run("deck.pptx slide 12", { cwd })).rejects.toThrow("no page 12 of 11");
  });

  test.each([
    ["bomb.docx", "more than 100000000 bytes when unpacked"],
    ["empty.docx", "no word/document.xml"],
    ["empty.pdf", "cannot read empty.pdf"],
    ["../x.docx", "cannot read ../x.docx"],
  ])("%s is refused", async (path, message) => {
    const bomb = Buffer.from(zipSync({ "word/document.xml": strToU8("<a/>") }));
    // The size that the file's directory claims.
    bomb.writeUInt32LE(100_000_001, bomb.indexOf("PK\u0001\u0002", 0, "latin1") + 24);
    await writeFile(join(cwd, "bomb.docx"), bomb);
    await writeFile(join(cwd, "empty.docx"), zipSync({ a: strToU8("a") }));
    await writeFile(join(cwd, "empty.pdf"), "");
    await expect(reader.run(path, { cwd })).rejects.toThrow(message);
  });
});

describe("tables", () => {
  test("a workbook has the same figures as the table that it was made of", async () => {
    await tableWriter.run("sales.csv to sales.xlsx", { cwd });
    for (const order of ["", " sum amount", " average amount where city = Berlin", " columns", " rows 1"])
      expect((await table.run(`sales.xlsx${order}`, { cwd })).text).toBe(
        (await table.run(`sales.csv${order}`, { cwd })).text,
      );
    expect((await table.run("sales.xlsx sheet Sheet1 sum amount", { cwd })).text).toBe("12.5");
    await expect(table.run("sales.xlsx sheet Q9", { cwd })).rejects.toThrow('no sheet "Q9", found Sheet1');
    await tableWriter.run("sales.xlsx to again.csv", { cwd });
    expect(await readFile(join(cwd, "again.csv"), "utf8")).toBe(
      await readFile(join(cwd, "sales.csv"), "utf8"),
    );
  });

  test("numbers with leading zeros and long digits stay text", async () => {
    await writeFile(join(cwd, "codes.csv"), "id,n\n00123,12345678901234567890\n");
    await tableWriter.run("codes.csv to codes.xlsx", { cwd });
    expect((await table.run("codes.xlsx rows", { cwd })).text).toBe("id,n\n00123,12345678901234567890");
  });

  test("a report has the figures of each column", async () => {
    await tableWriter.run("sales.csv to report.md", { cwd });
    const report = await readFile(join(cwd, "report.md"), "utf8");
    expect(report).toContain("| amount | 2 | 12.5 | 6.25 | 2 | 10.5 |  |");
    expect(report).toContain("2 rows, 3 columns");
  });
});

describe("writing", () => {
  test.each([
    ["write ../x.txt: a", "not below the working folder"],
    ["write /tmp/x-out.txt: a", "not below the working folder"],
    ["write notes.md: a", "there is such a file"],
    ["write: a", "expected write <path>: <text>"],
  ])("%s is refused", async (order, message) => {
    await expect(fileWriter.run(order, { cwd })).rejects.toThrow(message);
  });

  test("a folder on the way is made, and a text replaced when asked", async () => {
    await fileWriter.run("写入 a/b/c.txt：一", { cwd });
    await fileWriter.run("覆盖 a/b/c.txt：二", { cwd });
    expect(await readFile(join(cwd, "a/b/c.txt"), "utf8")).toBe("二\n");
  });
});
