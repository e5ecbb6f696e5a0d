import type { CatalogueEntry } from "./catalogue-entry.ts";

const DOCUMENT = "# Plan\n\nText with a [link](https://example.org/).\n\n## Steps\n";
const STORY =
  "The lighthouse stood on the rock. The lighthouse keeper lit the lighthouse lamp each night. Rain fell. Ships saw the lamp of the lighthouse.";

/** Tools that work on a text as it is. */
export const textTools: readonly CatalogueEntry[] = [
  {
    key: "text_statistics",
    slug: "text_statistics",
    name: { en: "Text statistics", zh: "文本统计" },
    summary: {
      en: "counts characters, words, CJK characters, sentences and frequent words, and the reading time",
      zh: "统计字符、单词、汉字、句子、高频词和阅读时间",
    },
    keywords: {
      en: [
        "word count*",
        "count* words",
        "count* the words",
        "character count*",
        "count* characters",
        "text statistics",
        "text analysis",
        "analy* text",
        "reading time",
        "word frequenc*",
        "readability",
      ],
      zh: ["字数", "词频", "文本统计", "文本分析", "统计文本", "阅读时间", "字符统计", "单词数"],
    },
    covers: [],
    needs: [],
    input: ['"The text to measure"', "- < file.txt"],
    output: "one line per figure",
    rule: "any other text",
    errors: [],
    cases: [
      {
        args: ["--tool", "text_statistics", "One fish. Two fish."],
        exit: 0,
        includes: "words: 4\nCJK characters: 0\nsentences: 2",
      },
      {
        args: ["--tool", "text_statistics", "你好世界。再见！"],
        exit: 0,
        includes: "CJK characters: 6\nsentences: 2",
      },
    ],
  },
  {
    key: "text_summary",
    slug: "summary",
    name: { en: "Text summary", zh: "文本摘要" },
    summary: {
      en: "shortens a text to its most telling sentences (selects, does not rewrite)",
      zh: "抽取文本中最有代表性的句子（只抽取，不改写）",
    },
    keywords: {
      en: ["summar*", "key points", "condense", "tl;dr"],
      zh: ["摘要", "总结", "概括", "提炼", "归纳", "关键信息", "要点"],
    },
    covers: [],
    needs: [],
    input: ['"summarize: A long text. With sentences."', "--tool text_summary @report.txt"],
    output: "up to three sentences of the text, in their order",
    rule: 'text after "summarize", "摘要" or "总结", or a text of more than three sentences',
    errors: ["a text without a sentence", "more than a million characters"],
    cases: [
      {
        args: ["--tool", "text_summary", STORY],
        exit: 0,
        stdout:
          "The lighthouse stood on the rock.\nThe lighthouse keeper lit the lighthouse lamp each night.\nShips saw the lamp of the lighthouse.",
      },
      { args: ["--tool", "text_summary", "..."], exit: 1, includes: "no sentence" },
    ],
  },
  {
    key: "document_outline",
    slug: "outline",
    name: { en: "Document outline", zh: "文档大纲" },
    summary: {
      en: "shows the headings of a Markdown or HTML document and counts links, images and tables",
      zh: "列出 Markdown 或 HTML 文档的标题结构，并统计链接、图片和表格",
    },
    keywords: {
      en: [
        "markdown",
        "html",
        "html document*",
        "outline",
        "table of contents",
        "document structure",
        "headings",
      ],
      zh: ["HTML文档", "网页结构", "文档结构", "大纲", "目录结构"],
    },
    covers: [],
    needs: [],
    input: ["'# A heading'", "--tool document_outline @page.html"],
    output: "the headings, indented by level, then counts",
    rule: "Markdown with headings, or HTML",
    errors: ["a document without headings"],
    cases: [
      {
        args: ["--tool", "document_outline", DOCUMENT],
        exit: 0,
        stdout: "- Plan\n  - Steps\nlinks: 1, images: 0, tables: 0",
      },
      { args: ["<h1>A &amp; B</h1><p>text</p>"], exit: 0, stdout: "- A & B\nlinks: 0, images: 0, tables: 0" },
      { args: ["--tool", "document_outline", "plain"], exit: 1, includes: "no headings" },
    ],
  },
  {
    key: "greeting",
    slug: "greeting",
    name: { en: "Greeting", zh: "问候" },
    summary: { en: "greets by time of day in seven languages", zh: "按时段以七种语言问候" },
    keywords: {
      en: ["greet*", "say hello", "hello world", "welcome message*"],
      zh: ["问候", "打招呼", "欢迎语"],
    },
    covers: ["multilingual"],
    needs: [],
    input: ["greet Anna in de at 09:30", "你好 小明"],
    output: "the greeting",
    rule: 'input that begins with "greet", "hello", "问候" or "你好"',
    errors: ["a language it does not know", "a time that does not exist"],
    cases: [
      { args: ["greet Anna in de at 09:30"], exit: 0, stdout: "Guten Morgen, Anna" },
      { args: ["问候 小明 at 20:00"], exit: 0, stdout: "晚上好，小明" },
      { args: ["greet Anna in xx"], exit: 1, includes: "cannot greet" },
    ],
  },
];
