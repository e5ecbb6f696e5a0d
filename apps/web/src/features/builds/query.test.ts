import { describe, expect, it } from "vitest";
import { parseQuery, queryText, suggestionsFor } from "./query.ts";

describe("what is typed", () => {
  it.each([
    ["", {}],
    ["word count", { text: "word count" }],
    ["status:failed", { status: "failed" }],
    ["status:fai", { status: "failed" }],
    ["STATUS:Failed user:grace", { status: "failed", user: "grace" }],
    ['user:"Grace Hopper" report', { user: "Grace Hopper", text: "report" }],
    ['user:"Grace Hop', { user: "Grace Hop" }],
    ["tag: x", { text: "x" }],
    ["tag:a&b=c#d?e", { tag: "a&b=c#d?e" }],
    [
      "pipeline:docs-site since:2026-11-01 until:2026-11-30",
      { pipeline: "docs-site", since: "2026-11-01", until: "2026-11-30" },
    ],
    ["since:yesterday", {}],
    ["note:verdict=good report", { note: "verdict=good", text: "report" }],
    ['note:"verdict=very good"', { note: "verdict=very good" }],
    ["status:nonsense x", { text: "x" }],
    ['"tag:web"', { text: "tag:web" }],
    ["http://example.org", { text: "http://example.org" }],
  ])("%s", (text, search) => {
    expect(parseQuery(text)).toEqual(search);
  });

  it("comes back as it was meant", () => {
    for (const search of [
      {},
      { status: "failed", user: "Grace Hopper", tag: "a:b", text: "two words" } as const,
      { text: "tag:web" },
      { pipeline: "p", since: "2026-01-01", until: "2026-02-01" },
    ])
      expect(parseQuery(queryText(search))).toEqual(search);
  });

  it("stands for what is known when it is half-way there", () => {
    expect(parseQuery("tag:nav", (key, value) => (key === "tag" ? `${value}y-blue` : value))).toEqual({
      tag: "navy-blue",
    });
  });
});

it("suggests names, and then values", () => {
  const values = (key: string) => (key === "tag" ? ["web", "navy blue"] : ["failed", "queued"]);
  const labels = (text: string) => suggestionsFor(text, values).map(({ label }) => label);
  expect(labels("")).toEqual(["status:", "user:", "tag:", "pipeline:", "note:", "since:", "until:"]);
  expect(labels("report ta")).toEqual(["tag:"]);
  expect(suggestionsFor("report tag:na", values)).toEqual([
    { label: "tag:navy blue", text: 'report tag:"navy blue" ' },
  ]);
  expect(labels("status:")).toEqual(["status:failed", "status:queued"]);
  expect(labels("nothing")).toEqual([]);
});
