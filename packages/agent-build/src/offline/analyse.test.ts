import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requirementsDocument } from "../documents.ts";
import { analyse, languageOf } from "./analyse.ts";
import { catalogue } from "./catalogue.ts";
import { findCapabilities } from "./find-capabilities.ts";
import { gaps } from "./gaps.ts";
import { agentNameFor } from "./name.ts";

const analysed = (requirement: string, project_name = "") => analyse({ requirement, project_name });
const unmetKeys = (requirement: string) => analysed(requirement).unmet.map((part) => part.capability);
const toolKeys = (requirement: string) => analysed(requirement).tools.map((tool) => tool.key);

describe("what a requirement asks for", () => {
  test.each<[string, string[], string[]]>([
    ["A calculator for everyday arithmetic.", ["calculator"], []],
    ["做一个支持加减乘除和括号的计算器", ["calculator"], []],
    ["Convert units: kilometers to miles, Celsius to Fahrenheit", ["unit_converter"], []],
    ["帮我做单位换算，比如公里换算成英里", ["unit_converter"], []],
    ["Tell me the weekday of a date and the current time in any time zone", ["date_time"], []],
    ["计算两个日期之间相差的天数", ["calculator", "date_time"], []],
    ["Read CSV files and show column sums", ["table_reader", "file_reader"], []],
    ["读取CSV表格，并做数据统计", ["table_reader", "file_reader"], []],
    [
      "Count the words of a text file and summarise it",
      ["file_reader", "text_statistics", "text_summary"],
      [],
    ],
    ["统计文章字数和词频", ["text_statistics"], []],
    ["Fetch a web page by its URL and show the outline of the HTML", ["http_fetch", "document_outline"], []],
    ["Query JSON files", ["json_query", "file_reader"], []],
    ["Greet customers in several languages", ["greeting"], []],
    ["Median and standard deviation of a list", ["number_statistics"], []],
    ["Answer questions about our products in a chat", ["text_statistics"], ["question_answering"]],
    ["Draw a logo and send it by email", ["text_statistics"], ["image_generation", "messaging"]],
    ["把英文合同翻译成中文，并生成PPT汇报", ["text_statistics"], ["translation", "presentation_writing"]],
    [
      "每天自动爬取商品价格并发送邮件提醒",
      ["text_statistics"],
      ["scheduling", "web_crawling", "cloud_pricing", "messaging", "tracking"],
    ],
    ["Transcribe podcasts", ["text_statistics"], ["audio_video"]],
    ["Read PDF invoices and write them to a database", ["file_reader", "document_reader"], ["database"]],
    ["把Excel工作簿导出CSV", ["table_reader", "file_reader", "table_writer", "file_writer"], []],
    ["读取Word文档并导出PDF", ["file_reader", "document_reader", "document_writer", "file_writer"], []],
    [
      "Search the web and write an HTML report",
      ["file_reader", "document_reader", "document_writer", "file_writer", "web_search"],
      [],
    ],
    ["Look up AWS prices", ["aws_pricing"], []],
    ["查询北京的天气并计算平均气温", ["calculator"], ["weather"]],
    [
      "Predict house prices with machine learning and plot charts",
      ["text_statistics"],
      ["prediction", "cloud_pricing", "charts"],
    ],
  ])("%s", (requirement, tools, unmet) => {
    expect(toolKeys(requirement)).toEqual(tools);
    expect(
      unmetKeys(requirement)
        .filter((key) => key !== "not_understood")
        .sort(),
    ).toEqual(unmet.toSorted());
  });

  test("the words that were found are named", () => {
    const { tools, unmet } = analysed("换算单位并查询上海天气预报，天气不好时提醒我");
    expect(tools).toMatchObject([{ key: "unit_converter", phrases: ["换算"] }]);
    expect(unmet.map(({ capability, phrase }) => [capability, phrase])).toEqual([
      ["weather", "天气预报, 天气"],
      ["tracking", "提醒"],
    ]);
  });

  test("a part that nothing matches is listed in its own words", () => {
    const { unmet } = analysed("Calculate sums. Fold paper cranes, then juggle oranges!");
    expect(unmet.map(({ capability, phrase }) => [capability, phrase])).toEqual([
      ["not_understood", "Fold paper cranes"],
      ["not_understood", "then juggle oranges"],
    ]);
  });

  test("generic words alone are not listed", () => {
    expect(unmetKeys("Please build me a simple smart calculator tool, for users.")).toEqual([]);
    expect(unmetKeys("AI智能体项目：帮我做一个计算器，系统简单")).toEqual([]);
  });

  test("words inside other words are not found", () => {
    expect(findCapabilities("additionally maps2go capital updates refile").map((hit) => hit.phrase)).toEqual(
      [],
    );
    expect(toolKeys("an up to date state of the art thing about 计算机")).toEqual(["text_statistics"]);
  });

  test("a tool takes care of what it covers", () => {
    expect(unmetKeys("问候客户，支持多语言")).toEqual([]);
    expect(unmetKeys("多语言支持")).toEqual(["multilingual"]);
  });

  test("a very long text lists forty parts and says how many more", () => {
    const text = Array.from({ length: 60 }, (_, i) => `zzz${i} qqq${i}`).join(". ");
    expect(analysed(text).unmet).toHaveLength(40);
    expect(analysed(text).unmet_omitted).toBe(20);
  });
});

describe("names", () => {
  test.each([
    ["math_calculator", "A calculator", "math_calculator"],
    ["Crème Brûlée Helper!", "A calculator", "creme_brulee_helper"],
    ["2nd try", "A calculator", "agent_2nd_try"],
    ["", "A simple math calculation agent that supports arithmetic.", "math_calculation_agent"],
    [
      "A simple math calculation agent that",
      "A simple math calculation agent that supports arithmetic.",
      "math_calculation_agent",
    ],
    ["untitled project", "An agent that queries weather information", "weather_information_agent"],
    ["", "AI智能体项目：football_qa_agent", "football_qa_agent"],
    ["../../etc/passwd", "A calculator", "etc_passwd"],
    ["x".repeat(300), "A calculator", "x".repeat(32)],
  ])("%j and %j give %s", (project, requirement, expected) => {
    expect(analysed(requirement, project).agent_name).toBe(expected);
  });

  test("a Chinese text gives the names of what it asks for, and a hash of its own", () => {
    expect(analysed("单位换算和字数统计").agent_name).toMatch(/^unit_converter_text_statistics_[0-9a-f]{6}$/);
    expect(analysed("单位换算与字数统计").agent_name).not.toBe(analysed("单位换算和字数统计").agent_name);
    expect(analysed("计算器", "数学计算").agent_name).toMatch(/^calculator_[0-9a-f]{6}$/);
  });

  test("the language is Chinese where a fifth of the letters is", () => {
    expect(languageOf("AWS EC2 S3 报价智能体")).toBe("zh");
    expect(languageOf("An agent for 茶 shops in many cities")).toBe("en");
    expect(languageOf("42")).toBe("en");
  });
});

test("any text gives a valid document, the same each time, with a name fit for files", () => {
  const word = fc.constantFrom(
    ...[...catalogue, ...gaps].flatMap(({ keywords }) => [...keywords.en, ...keywords.zh]),
    "，",
    ". ",
    " ",
    "🦊",
    "\u0000",
    "__proto__",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(word, { maxLength: 30 }).map((words) => words.join(" ")),
  );
  fc.assert(
    fc.property(text, text, (requirement, project_name) => {
      const document = requirementsDocument.parse(analyse({ requirement, project_name }));
      expect(document).toEqual(requirementsDocument.parse(analyse({ requirement, project_name })));
      expect(document.agent_name).toMatch(/^[a-z][a-z0-9_]{0,47}$/);
      expect(Array.from(document.purpose).length).toBeLessThanOrEqual(120);
    }),
    { numRuns: 300 },
  );
});

test("texts of 100 to 200 KB are analysed within seconds", () => {
  // Of the processor: what grows with the square of the text takes minutes of it.
  const started = process.cpuUsage();
  analysed("计算天气 and convert units, 生成报告。 ".repeat(6000));
  analysed("生成".repeat(50_000));
  analysed("a_".repeat(100_000));
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(30);
});

test("keys of the catalogue and of gaps are different, and every name fits a file", () => {
  const keys = [...catalogue, ...gaps].map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(agentNameFor("", "", "zh", [])).toMatch(/^agent_[0-9a-f]{6}$/);
});

const REAL = new URL("../../../../../../shared/data/requirements.txt", import.meta.url);

/** By the first words of the recorded texts: what a reader would say they need and lack. */
const EXPECTED: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["AWS产品报价", ["aws_pricing"], ["language_understanding", "advice", "cloud_services", "report_writing"]],
  ["轻量级问候API", ["date_time", "greeting"], ["http_service", "non_functional"]],
  ["A simple math", ["calculator"], []],
  ["An agent that queries weather", ["text_statistics"], ["weather"]],
  [
    "一个智能Agent，能够将HTML",
    ["document_outline"],
    ["presentation_writing", "document_layout", "language_understanding"],
  ],
  ["专业的Logo", ["text_statistics"], ["image_generation", "language_understanding", "design_concept"]],
  ["Stock analysis", ["text_statistics"], ["market_data", "financial_analysis"]],
  [
    "一个能够解析PPT",
    ["file_reader", "document_reader", "document_writer", "file_writer", "text_summary"],
    ["report_writing"],
  ],
  ["一个能够根据用户需求生成个性化", ["text_statistics"], ["advice", "tracking"]],
  ["一个能够自动对文件内容", ["file_reader", "document_reader", "text_summary"], []],
  ["Excel数据分析", ["table_reader", "file_reader", "table_writer", "file_writer"], []],
  ["一个能够根据用户关注话题", ["web_search"], []],
  ["AI智能体项目：football", ["text_statistics"], ["sports_data", "question_answering"]],
  ["一个专为临床", ["web_search"], ["clinical_trials", "deep_research", "completeness"]],
  ["武侠小说", ["text_statistics"], ["creative_writing", "not_understood"]],
];

// Skipped where the texts are not beside the project.
describe.skipIf(!existsSync(REAL))(
  "the recorded requirements (skipped where ../shared/data is missing)",
  () => {
    const texts = existsSync(REAL) ? readFileSync(REAL, "utf8").split("\n").filter(Boolean) : [];
    test.each(EXPECTED)("%s…", (beginning, tools, unmet) => {
      const text = texts.find((candidate) => candidate.startsWith(beginning)) ?? "";
      expect(text).not.toBe("");
      expect(toolKeys(text)).toEqual(tools);
      expect([...new Set(unmetKeys(text))]).toEqual(unmet);
    });
  },
);
