import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { outline, run as runOutline } from "../../assets/tools/document_outline.mjs";
import * as greeting from "../../assets/tools/greeting.mjs";
import { match, measure } from "../../assets/tools/text_statistics.mjs";
import { run as runSummary, sentencesOf, summarise } from "../../assets/tools/text_summary.mjs";

describe("text statistics", () => {
  test("counts Latin and Chinese text apart", () => {
    const text = "Hello world, it's 3.5 degrees. 今天天气很好！今天去 New York。\n";
    expect(measure(text)).toMatchObject({ words: 8, cjk_characters: 9, sentences: 3, lines: 1 });
    expect(measure(text).top_words[0]).toEqual({ word: "今天", count: 2 });
  });

  test("counts characters as people see code points, and nothing in nothing", () => {
    expect(measure("a🦊")).toMatchObject({ characters: 2, words: 1 });
    expect(measure("")).toEqual({
      characters: 0,
      characters_without_spaces: 0,
      words: 0,
      cjk_characters: 0,
      sentences: 0,
      lines: 0,
      reading_seconds: 0,
      top_words: [],
    });
  });

  test("reading time: 200 words or 400 CJK characters are a minute", () => {
    expect(measure("word ".repeat(200)).reading_seconds).toBe(60);
    expect(measure("字".repeat(400)).reading_seconds).toBe(60);
  });

  test("does not add up wrong for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const found = measure(text);
        expect(found.characters).toBe(Array.from(text).length);
        expect(found.characters_without_spaces).toBeLessThanOrEqual(found.characters);
        expect(found.words + found.cjk_characters).toBeLessThanOrEqual(found.characters);
      }),
    );
  });

  test("gives way to every other tool, but takes what has words", () => {
    expect(match("some text")).toBe(0.1);
    expect(match("好")).toBe(0.1);
    expect(match("...")).toBe(0);
    expect(match("count: one two")).toBe(0.7);
  });
});

describe("summary", () => {
  test("cuts at ends of sentences, not inside numbers and names", () => {
    expect(sentencesOf("It cost 3.5 million. Was it worth it? See example.org now! 好的。是吗？")).toEqual([
      "It cost 3.5 million.",
      "Was it worth it?",
      "See example.org now!",
      "好的。",
      "是吗？",
    ]);
  });

  test("takes the sentences that share most words, in their order", () => {
    const text = "摘要：人工智能改变世界。天气不错。人工智能需要数据。数据帮助人工智能学习。";
    expect(runSummary(text).text).toBe("人工智能改变世界。\n人工智能需要数据。\n数据帮助人工智能学习。");
  });

  test("every sentence is one of the text, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.lorem({ mode: "sentences", maxCount: 20 }),
        fc.integer({ min: 1, max: 5 }),
        (text, count) => {
          const { chosen, total } = summarise(text, count);
          expect(chosen.length).toBe(Math.min(count, total));
          for (const sentence of chosen) expect(text).toContain(sentence);
        },
      ),
    );
  });

  test("a text of a million characters takes no minute; a longer one is refused", () => {
    expect(runSummary("Words and more words follow here. ".repeat(29_000)).data.sentences).toBe(29_000);
    expect(() => runSummary("x".repeat(1_000_001))).toThrow("more than 1000000");
    expect(() => runSummary(" . ")).toThrow("no sentence");
  });
});

describe("outline", () => {
  test("reads Markdown, without what stands in code", () => {
    const source =
      "# A\n\n```sh\n# no heading\n```\n\n## B ##\n\n![i](a.png) [l](b)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    expect(outline(source)).toEqual({
      format: "markdown",
      title: "A",
      headings: [
        { level: 1, title: "A" },
        { level: 2, title: "B" },
      ],
      links: 1,
      images: 1,
      tables: 1,
    });
  });

  test("reads HTML, without scripts and comments", () => {
    const source =
      "<!doctype html><title>T &lt;1&gt;</title><!-- <h1>no</h1> --><script>'<h1>no</h1>'</script><H2 class=x>A <b>B</b> &#x4e2d;&constructor;</H2><a href='#'>l</a><img src=x><table></table>";
    expect(outline(source)).toEqual({
      format: "html",
      title: "T <1>",
      headings: [{ level: 2, title: "A B 中&constructor;" }],
      links: 1,
      images: 1,
      tables: 1,
    });
    expect(() => runOutline("just text")).toThrow("no headings");
  });
});

describe("greeting", () => {
  const at = (hour: number) => ({ now: new Date(2024, 0, 1, hour) });

  test.each([
    ["greet Anna in de at 09:30", "Guten Morgen, Anna"],
    ["hello", "Good afternoon"],
    ["你好 小明", "下午好，小明"],
    ["greet in fr at 23:59", "Bonsoir"],
    ["greet 田中 in ja at 5:00", "おはようございます，田中"],
  ])("%s is %s", (input, expected) => {
    expect(greeting.run(input, at(13)).text).toBe(expected);
  });

  test("refuses unknown languages and times", () => {
    expect(() => greeting.run("greet A in xx", at(1))).toThrow("known are en, zh");
    expect(() => greeting.run("greet A at 25:00", at(1))).toThrow("not a time of day");
  });
});
