import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { Markdown } from "./markdown.tsx";

const html = (text: string) => renderToStaticMarkup(createElement(Markdown, { text }));

describe("a text in Markdown", () => {
  it("has its headings, lists, tables and code", () => {
    const text = html(
      "# Title\n\n- **a** and `b`\n- [x] done\n\n| x | y |\n|---|--:|\n| 1 | 2 |\n\n```js\nlet a = 1 < 2;\n```\n",
    );
    expect(text).toContain('role="heading">Title</div>');
    expect(text).toContain("<strong>a</strong> and <code");
    expect(text).toContain("☑");
    expect(text).toContain('<td class="px-3 py-1.5 align-top text-right">2</td>');
    expect(text).toContain("let a = 1 &lt; 2;");
  });

  it.each([
    '<img src=x onerror="window.hacked=1">',
    "<script>window.hacked=1</script>",
    "a <b onclick=alert(1)>b</b> c",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://example.org/track.png)",
    "<https://example.org/?a=1&b=2>",
    "[x]: javascript:alert(1)\n[x]",
    '<a href="javascript:alert(1)">x</a>',
  ])("makes nothing that runs or is fetched of %s", (text) => {
    const made = html(text);
    expect(made).not.toMatch(/<(img|script|b |iframe|style)/i);
    expect(made).not.toMatch(/href="(?!https?:\/\/|mailto:)/i);
    expect(made).not.toMatch(/\son\w+="/);
  });

  it.each([
    ["quotes", `${">".repeat(20_000)} deep`],
    ["lists", `${"- ".repeat(2000)}deep`],
  ])("is shown as it is where its %s are nested too deep to be drawn", (_, text) => {
    expect(html(text)).toMatch(/^<div[^>]*><p[^>]*>[^<]*deep<\/p><\/div>$/);
  });

  it("shows & and its like as they are meant", () => {
    expect(html("a &amp; b &lt; c & d")).toContain("a &amp; b &lt; c &amp; d");
  });
});
