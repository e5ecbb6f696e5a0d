import { defineConfig } from "vitepress";

const page = (text, link) => ({ text, link });

export default defineConfig({
  title: "Stagefold",
  description: "Keeps and runs the builds of AI agents",
  srcExclude: ["pictures/**"],
  cleanUrls: true,
  lastUpdated: false,
  markdown: {
    // A Caddyfile has no grammar of its own here.
    languageAlias: { caddy: "nginx" },
    config: (markdown) => {
      // What a page names outside of docs is in the repository, not on the site: its name is shown, without a link.
      const original =
        markdown.renderer.rules.link_open ??
        ((tokens, at, options, _env, self) => self.renderToken(tokens, at, options));
      markdown.renderer.rules.link_open = (tokens, at, options, env, self) => {
        const token = tokens[at];
        const href = token.attrGet("href") ?? "";
        const isOutside = /^\.\.\//.test(href) && !/^(reference|adr)\//.test(env.relativePath ?? "");
        if (isOutside) {
          token.attrs = [["class", "in-repository"]];
          return self.renderToken(tokens, at, options);
        }
        return original(tokens, at, options, env, self);
      };
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      page("Start here", "/"),
      page("Concepts", "/concepts"),
      page("REST", "/reference/rest"),
      page("CLI", "/reference/cli"),
    ],
    sidebar: [
      {
        text: "First",
        items: [page("Start here", "/"), page("Concepts", "/concepts"), page("The dashboard", "/dashboard")],
      },
      {
        text: "Guides",
        items: [
          page("Pipelines", "/pipelines"),
          page("Gates", "/gates"),
          page("Agents", "/agents"),
          page("Programs", "/programs"),
          page("React", "/react"),
          page("MCP", "/mcp"),
          page("Schedules", "/schedules"),
          page("Webhooks", "/webhooks"),
          page("From older tables", "/from-older-tables"),
        ],
      },
      {
        text: "Run it",
        items: [
          page("For a team", "/team"),
          page("On AWS", "/aws"),
          page("Access", "/access"),
          page("Trust", "/trust"),
          page("Workers", "/workers"),
          page("Systems", "/systems"),
          page("Traces, figures, logs", "/observability"),
          page("Cost", "/cost"),
          page("Performance", "/performance"),
        ],
      },
      {
        text: "Reference",
        items: [
          page("REST", "/reference/rest"),
          page("Command line", "/reference/cli"),
          page("Errors", "/reference/errors"),
        ],
      },
      {
        text: "Inside",
        items: [
          page("Architecture", "/architecture"),
          page("One item for a build", "/adr/0001-one-item-per-build"),
          page("Patches", "/adr/0002-patches"),
          page("Fences", "/adr/0003-fences"),
          page("The embedded store", "/adr/0004-embedded-store"),
          page("Shards of work", "/adr/0005-work-shards"),
          page("Types of the client", "/adr/0006-client-types"),
        ],
      },
    ],
  },
});
