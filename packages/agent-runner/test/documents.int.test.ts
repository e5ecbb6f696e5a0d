import { rename, rm, writeFile } from "node:fs/promises";
import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { markdownToDocx, markdownToPdf } from "../../agent-build/assets/tools/lib/markdown.mjs";
import { xlsxBytes } from "../../agent-build/assets/tools/lib/sheet.mjs";
import { DocumentReader } from "../src/document-reader.ts";
import { layOut } from "../src/turn-folder.ts";
import { aRunner } from "./fixture.ts";

let at: Awaited<ReturnType<typeof aRunner>>;
let reader: DocumentReader;

beforeAll(async () => {
  at = await aRunner();
  reader = new DocumentReader(`${at.folder}/documents`, { PATH: "/usr/bin:/bin" });
});

afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

async function textOf(name: string, bytes: Uint8Array): Promise<string> {
  await using folder = await layOut(`${at.folder}/turns`, at.artifacts, [await at.file(name, bytes)], []);
  const [file] = folder.files;
  if (!file) throw new Error("the file was not laid out");
  return await reader.textOf(file, folder.path, new AbortController().signal);
}

/** A zip archive of one part, which says of itself that it unpacks to `claimed` bytes. */
function zip(name: string, content: Buffer, claimed: number): Buffer {
  const packed = deflateRawSync(content, { level: 9 });
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(claimed, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), packed]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\x00"),
    common,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

describe("the text of a document", () => {
  test("of Word, PDF and Excel", async () => {
    expect(await textOf("a.docx", await markdownToDocx("# Tides\n\nHigh at six."))).toContain("High at six.");
    expect(await textOf("a.pdf", markdownToPdf("# Tides\n\nHigh at six."))).toContain("High at six.");
    expect(await textOf("a b.xlsx", await xlsxBytes(["city", "price"], [["Rome", "60"]]))).toContain(
      "| Rome | 60 |",
    );
  });

  const LARGE: [string, Buffer][] = [
    ["lying.docx", zip("word/document.xml", Buffer.alloc(400_000_000), 1000)],
    ["deep.docx", zip("word/document.xml", Buffer.from("<a>".repeat(2_000_000)), 6_000_000)],
  ];
  test.each([
    ["broken.pdf", Buffer.from("%PDF-1.7 and then nothing")],
    ["broken.docx", Buffer.from("PK\x03\x04 not a zip")],
    ["empty.xlsx", Buffer.alloc(0)],
    ["picture.bin", Buffer.from([0, 159, 146, 150])],
    ["bomb.docx", zip("word/document.xml", Buffer.alloc(400_000_000), 400_000_000)],
    ...(SOAK ? LARGE : []),
  ])("%s is a sentence that says why there is none", async (name, bytes) => {
    const started = performance.now();
    expect(await textOf(name, bytes)).toContain("cannot be read");
    expect(performance.now() - started).toBeLessThan(25_000);
  });

  test("that could not be read once is read the next time", async () => {
    const root = `${at.folder}/not-yet-a-folder`;
    await writeFile(root, "in the way");
    const later = new DocumentReader(root, { PATH: "/usr/bin:/bin" });
    const name = "table.xlsx";
    const bytes = await xlsxBytes(["city"], [["Rome"]]);
    await using folder = await layOut(`${at.folder}/turns`, at.artifacts, [await at.file(name, bytes)], []);
    const [file] = folder.files;
    if (!file) throw new Error("the file was not laid out");
    const read = () => later.textOf(file, folder.path, new AbortController().signal);
    await expect(read()).rejects.toThrow();
    await rm(root);
    await rename(`${folder.path}/${name}`, `${folder.path}/away`);
    expect(await read()).toContain("cannot be read");
    await rename(`${folder.path}/away`, `${folder.path}/${name}`);
    expect(await read()).toContain("Rome");
  });
});
