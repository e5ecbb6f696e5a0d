import { readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { helpText, readOrder, route, unmetPart } from "../assets/agent/runtime.mjs";
import { catalogue } from "../src/offline/catalogue.ts";

const TOOLS = new URL("../assets/tools/", import.meta.url);

const texts = (text: string) => ({ en: text, zh: `${text}（中文）` });
const manifest = {
  agent_name: "demo",
  purpose: "Shows things.",
  language: "en" as const,
  tools: [],
  unmet: [
    {
      capability: "image_generation",
      name: texts("Images"),
      phrase: "draw a logo",
      reason: texts("no model"),
      keywords: ["generat* images", "生成*图片", "logo"],
    },
    {
      capability: "not_understood",
      name: texts("Not understood"),
      phrase: "???",
      reason: texts("nothing"),
      keywords: [],
    },
  ],
};

const loadTools = async () =>
  await Promise.all(catalogue.map(async ({ key }) => await import(`${TOOLS}${key}.mjs`)));

test("every tool of the catalogue is a module with its key, and there is no other", async () => {
  const tools = await loadTools();
  expect(tools.map((tool) => tool.key)).toEqual(catalogue.map((entry) => entry.key));
  for (const tool of tools) expect([typeof tool.match, typeof tool.run]).toEqual(["function", "function"]);
  const entries = (await readdir(TOOLS)).filter((name) => name.endsWith(".mjs"));
  const files = entries.map((name) => name.replace(".mjs", ""));
  expect(files.sort()).toEqual(catalogue.map((entry) => entry.key).sort());
});

describe("the command line", () => {
  test.each([
    [["12.5*4"], { input: "12.5*4", json: false, tool: undefined, action: "run" }],
    [["10", "km", "to", "miles"], { input: "10 km to miles" }],
    [["-3+2"], { input: "-3+2" }],
    [["--json", "--tool", "calculator", "1+1"], { json: true, tool: "calculator", input: "1+1" }],
    [["--", "--json"], { json: false, input: "--json" }],
    [["--help"], { action: "help", input: undefined }],
    [["--describe"], { action: "describe" }],
    [[], { input: undefined }],
  ])("%j", (argv, expected) => {
    expect(readOrder(argv)).toMatchObject(expected);
  });

  test.each([
    [["--nope"], "unknown option --nope"],
    [["--tool"], "expected the key of a tool"],
  ])("%j is wrong usage", (argv, message) => {
    expect(() => readOrder(argv)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }),
    );
  });
});

describe("routes", () => {
  test.each([
    ["12.5*4", "calculator"],
    ["what is 3 times 4?", "calculator"],
    ["10 km to miles", "unit_converter"],
    ["100公里换算成英里", "unit_converter"],
    ["now in Asia/Shanghai", "date_time"],
    ["2024-01-01 to 2024-03-01", "date_time"],
    ["2024-05-01", "date_time"],
    ["1 2 3 4", "number_statistics"],
    ["sales.csv sum amount", "table_reader"],
    ["data.json users[0]", "json_query"],
    ["notes/plan.md", "file_reader"],
    ["https://example.org/a.csv", "http_fetch"],
    ["raw https://example.org/", "http_fetch"],
    ["book.xlsx sheet Q2 sum amount", "table_reader"],
    ["sales.csv to sales.xlsx", "table_writer"],
    ["book.xlsx sheet Q2 to report.html", "table_writer"],
    ["write out.csv: a,b", "table_writer"],
    ["report.docx", "document_reader"],
    ["读取 deck.pptx 第 2 页", "document_reader"],
    ["write report.docx: # Title", "document_writer"],
    ["deck.pptx to deck.md", "document_writer"],
    ["book.xlsx to book.docx", "document_writer"],
    ["write notes.txt: text", "file_writer"],
    ["search tide tables", "web_search"],
    ["新闻 人工智能", "web_search"],
    ["price AmazonEC2 instanceType=t3.micro", "aws_pricing"],
    ["ftp://example.org/", "http_fetch"],
    ["# Title\n\ntext", "document_outline"],
    ["summarize: One. Two.", "text_summary"],
    ["你好 小明", "greeting"],
    ["Just a few words", "text_statistics"],
  ])("%j goes to %s", async (input, expected) => {
    expect(route(manifest, await loadTools(), input).key).toBe(expected);
  });

  test("what is unmet is said before a tool that takes any text", async () => {
    const tools = await loadTools();
    for (const input of [
      "please generate images of cats",
      "Generating images",
      "帮我生成一张图片",
      "a new LOGO",
    ]) {
      expect(() => route(manifest, tools, input)).toThrow(
        expect.objectContaining({ code: "UNMET", message: "this agent cannot do this: Images (no model)" }),
      );
    }
    expect(unmetPart(manifest, "analogous logology")).toBeUndefined();
    expect(() => route({ ...manifest, language: "zh" }, tools, "logo")).toThrow(
      "本智能体不支持「Images（中文）」",
    );
  });

  test("an input that no tool takes is refused with what there is", async () => {
    const tools = (await loadTools()).filter((tool) => tool.key === "calculator");
    expect(() => route(manifest, tools, "hello there")).toThrow(expect.objectContaining({ code: "NO_TOOL" }));
  });
});

test("help names what is unmet, in the language of the requirement", () => {
  expect(helpText(manifest)).toContain('  Images: "draw a logo" (no model)');
  expect(helpText({ ...manifest, language: "zh" })).toContain("需求中未实现的部分");
});
