// Long because: the answers for ten requirements, with the code of their tools, are read side by side.
import type { DesignedTool } from "../src/model/answers.ts";

/** What a language model might answer when it builds agents for recorded requirements. */
export interface ModelAnswers {
  readonly requirement: string;
  readonly agent_name: string;
  readonly language: "en" | "zh";
  /** Keys of the catalogue. */
  readonly ready: readonly string[];
  readonly made: readonly MadeTool[];
  readonly unmet: readonly string[];
}

export interface MadeTool {
  readonly key: string;
  readonly parameters: DesignedTool["parameters"];
  readonly libraries?: readonly string[];
  readonly secrets?: readonly string[];
  readonly tests: readonly Partial<DesignedTool["tests"][number]>[];
  /** The answers, one after the other: all but the last one are broken. */
  readonly sources: readonly string[];
}

const parameter = (
  name: string,
  type: DesignedTool["parameters"][number]["type"] = "string",
  required = true,
): DesignedTool["parameters"][number] => ({ name, type, description: `the ${name}`, required });

const DCF = `
export async function run({ cash_flows, rate, terminal_growth }) {
  if (!(rate > terminal_growth)) throw new Error("expected a rate above the terminal growth, found " + rate);
  const values = cash_flows.map((flow, year) => flow / (1 + rate) ** (year + 1));
  const last = cash_flows.at(-1);
  if (last === undefined) throw new Error("expected at least one cash flow, found none");
  const terminal = (last * (1 + terminal_growth)) / (rate - terminal_growth) / (1 + rate) ** cash_flows.length;
  const value = values.reduce((a, b) => a + b, 0) + terminal;
  return { text: value.toFixed(2), data: { value, terminal } };
}
`;

const BMI = `
export async function run({ weight_kg, height_cm }) {
  if (!(weight_kg > 0) || !(height_cm > 0)) throw new Error("expected a weight and a height above 0");
  const bmi = weight_kg / (height_cm / 100) ** 2;
  return { text: bmi.toFixed(1), data: { bmi } };
}
`;

const LEAGUE = `
export async function run({ results }) {
  const table = new Map();
  const row = (team) => table.get(team) ?? table.set(team, { points: 0, scored: 0, conceded: 0 }).get(team);
  for (const result of results) {
    const found = /^(.+?) (\\d+)[:-](\\d+) (.+)$/.exec(result);
    if (!found) throw new Error("expected a result such as A 2:1 B, found " + result);
    const [, home, a, b, away] = found;
    const goals = [Number(a), Number(b)];
    for (const [team, own, other] of [[home, goals[0], goals[1]], [away, goals[1], goals[0]]]) {
      const line = row(team);
      line.scored += own;
      line.conceded += other;
      line.points += own > other ? 3 : own === other ? 1 : 0;
    }
  }
  const sorted = [...table].sort((x, y) => y[1].points - x[1].points || y[1].scored - y[1].conceded - (x[1].scored - x[1].conceded));
  return { text: sorted.map(([team, { points }], i) => (i + 1) + ". " + team + " " + points).join("\\n"), data: Object.fromEntries(sorted) };
}
`;

const FETCH_JSON = `
export async function run({ query, service }) {
  const url = new URL(service);
  url.searchParams.set("q", query);
  const response = await fetch(url);
  if (!response.ok) throw new Error("expected an answer of the service, found HTTP " + response.status);
  const data = await response.json().catch(() => { throw new Error("expected JSON of the service, found something else"); });
  return { text: query + ": " + JSON.stringify(data), data };
}
`;

const fetching = (key: string): MadeTool => ({
  key,
  parameters: [parameter("query"), parameter("service")],
  tests: [
    {
      input_json: '{"query":"Paris","service":"{loopback}/data.json"}',
      text_is: 'Paris: {"tide":{"high":"06:00"}}',
    },
    { input_json: '{"query":"x","service":"{loopback}/"}', succeeds: false, text_includes: "expected JSON" },
    {
      input_json: '{"query":"x","service":"http://192.0.2.1/"}',
      succeeds: false,
      text_includes: "fetch failed",
    },
  ],
  sources: [FETCH_JSON],
});

export const ANSWERS: readonly ModelAnswers[] = [
  {
    requirement:
      "AWS产品报价智能体，能够根据自然语言描述的资源需求，分析并推荐合理的AWS服务和配置，提供实时报价并生成专业的报价方案。支持EC2、EBS、S3、网络流量、ELB、RDS、ElastiCache、Opensearch等多种AWS产品的价格查询。",
    agent_name: "aws_quote",
    language: "zh",
    ready: ["aws_pricing"],
    made: [
      {
        key: "quote_total",
        parameters: [parameter("names", "list_of_strings"), parameter("monthly_usd", "list_of_numbers")],
        tests: [
          {
            input_json: '{"names":["EC2","S3"],"monthly_usd":[10.5,2]}',
            text_is: "EC2: 10.50\nS3: 2.00\n合计: 12.50 USD",
          },
          { input_json: '{"names":["EC2"],"monthly_usd":[]}', succeeds: false, text_includes: "as many" },
        ],
        sources: [
          `export async function run({ names, monthly_usd }) {
  if (names.length !== monthly_usd.length) throw new Error("expected as many prices as names, found " + monthly_usd.length);
  const total = monthly_usd.reduce((a, b) => a + b, 0);
  const lines = names.map((name, i) => name + ": " + monthly_usd[i].toFixed(2));
  return { text: [...lines, "合计: " + total.toFixed(2) + " USD"].join("\\n"), data: { total } };
}`,
        ],
      },
    ],
    unmet: ["guaranteed_prices"],
  },
  {
    requirement:
      "轻量级问候API服务，用于API验证测试。提供基础问候功能、时间感知问候、多语言支持和健康检查端点。基于FastAPI框架，支持快速部署和高性能处理。",
    agent_name: "greeting_service",
    language: "zh",
    ready: ["greeting", "date_time"],
    made: [],
    unmet: ["http_endpoint"],
  },
  {
    requirement: "An agent that queries weather information based on city names.",
    agent_name: "city_weather",
    language: "en",
    ready: [],
    made: [fetching("weather_lookup")],
    unmet: [],
  },
  {
    requirement:
      "一个智能Agent，能够将HTML文档转换为PPTX格式的演示文稿，保留原始文档的结构、样式、图片和语义内容，支持自定义模板，并能处理任意复杂度的HTML文档。",
    agent_name: "html_to_slides",
    language: "zh",
    ready: ["document_outline"],
    made: [
      {
        key: "slide_plan",
        parameters: [parameter("html")],
        libraries: ["html"],
        tests: [
          { input_json: '{"html":"<h1>A</h1><p>b</p><h1>C</h1>"}', text_is: "1. A\n   b\n2. C" },
          { input_json: '{"html":"<p>b</p>"}', succeeds: false, text_includes: "heading" },
        ],
        sources: [
          `import { htmlToText } from "./lib/html.mjs";
export async function run({ html }) {
  const parts = html.split(/(?=<h[12][ >])/i).filter((part) => /^<h[12]/i.test(part));
  if (parts.length === 0) throw new Error("expected a heading h1 or h2, found none");
  const slides = parts.map((part) => htmlToText(part).split("\\n").map((line) => line.trim()).filter(Boolean));
  return { text: slides.map(([title, ...lines], i) => [(i + 1) + ". " + title, ...lines.map((line) => "   " + line)].join("\\n")).join("\\n"), data: slides };
}`,
        ],
      },
    ],
    unmet: ["pptx_files", "templates"],
  },
  {
    requirement:
      "专业的Logo设计智能体，能够根据用户需求分析和设计概念，生成高质量的logo图片，并提供设计说明报告。",
    agent_name: "logo_designer",
    language: "zh",
    ready: ["text_statistics"],
    made: [
      {
        key: "svg_logo",
        parameters: [parameter("name"), parameter("colour"), parameter("path")],
        tests: [
          {
            input_json: '{"name":"A & B","colour":"#0a0","path":"logo.svg"}',
            text_includes: "logo.svg",
            leaves: [{ file: "logo.svg", contains: "A &amp; B" }],
          },
          {
            input_json: '{"name":"A","colour":"red;","path":"x.svg"}',
            succeeds: false,
            text_includes: "colour",
          },
          {
            input_json: '{"name":"A","colour":"#0a0","path":"../x.svg"}',
            succeeds: false,
            text_includes: "cwd",
          },
        ],
        sources: [
          `import { writeFile } from "node:fs/promises";
import { join } from "node:path";
export async function run({ name, colour, path }, { cwd }) {
  if (!/^#[0-9a-f]{3,6}$/i.test(colour)) throw new Error("expected a colour such as #0a0, found " + colour);
  if (!/^[\\w-]+\\.svg$/.test(path)) throw new Error("expected a file in cwd that ends in .svg, found " + path);
  const safe = name.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 80"><rect width="200" height="80" fill="' + colour + '"/><text x="20" y="50">' + safe + "</text></svg>";
  await writeFile(join(cwd, path), svg);
  return { text: path + ": written", data: { path } };
}`,
        ],
      },
    ],
    unmet: ["pixel_images"],
  },
  {
    requirement:
      "Stock analysis assistant that provides investment advice based on real-time financial data, DCF valuation, macroeconomic analysis, industry benchmarking, and risk assessment.",
    agent_name: "stock_analyst",
    language: "en",
    ready: ["calculator"],
    made: [
      {
        key: "dcf_value",
        parameters: [
          parameter("cash_flows", "list_of_numbers"),
          parameter("rate", "number"),
          parameter("terminal_growth", "number"),
        ],
        tests: [
          { input_json: '{"cash_flows":[100,110],"rate":0.1,"terminal_growth":0.02}', text_is: "1340.91" },
          {
            input_json: '{"cash_flows":[100],"rate":0.02,"terminal_growth":0.02}',
            succeeds: false,
            text_includes: "terminal growth",
          },
        ],
        // The first one is no module at all.
        sources: ["export async function run({ cash_flows ) { return }", DCF],
      },
    ],
    unmet: ["real_time_prices"],
  },
  {
    requirement: "一个能够根据用户需求生成个性化健身建议的智能体，包括锻炼计划、饮食建议和健身进度跟踪。",
    agent_name: "fitness_coach",
    language: "zh",
    ready: ["date_time"],
    made: [
      {
        key: "body_mass_index",
        parameters: [parameter("weight_kg", "number"), parameter("height_cm", "number")],
        tests: [
          { input_json: '{"weight_kg":70,"height_cm":175}', text_is: "22.9" },
          { input_json: '{"weight_kg":0,"height_cm":175}', succeeds: false, text_includes: "above 0" },
          { input_json: '{"weight_kg":70}', succeeds: false, text_includes: "height_cm" },
        ],
        // Wrong twice: its result, then its error.
        sources: [
          BMI.replace(" / 100) ** 2", " / 100)"),
          BMI.replace(
            'throw new Error("expected a weight and a height above 0")',
            'return { text: "0", data: 0 }',
          ),
          BMI,
        ],
      },
    ],
    unmet: ["progress_over_time"],
  },
  {
    requirement: "AI智能体项目：football_qa_agent",
    agent_name: "football_qa_agent",
    language: "zh",
    ready: ["calculator"],
    made: [
      {
        key: "league_table",
        parameters: [parameter("results", "list_of_strings")],
        tests: [
          { input_json: '{"results":["A 2:1 B","B 0:0 C"]}', text_is: "1. A 3\n2. C 1\n3. B 1" },
          { input_json: '{"results":["A B"]}', succeeds: false, text_includes: "expected a result" },
        ],
        sources: [LEAGUE],
      },
    ],
    unmet: [],
  },
  {
    requirement:
      "一个专为临床开发人员设计的智能检索Agent，能够自动检索clinicaltrials.gov的数据，支持多次深度检索并整合分析结果，确保检索内容全面、完整且正确。",
    agent_name: "trial_search",
    language: "zh",
    ready: ["text_statistics"],
    made: [fetching("trial_lookup")],
    unmet: ["completeness"],
  },
  {
    requirement:
      "武侠小说生成Agent系统，能够根据用户输入的设定（如人物、门派、武功、情节线索等）自动生成符合武侠风格的小说内容，包括完整的故事情节、人物对话、武打场面描写等。具备世界观一致性、情节连贯性、武侠文体风格和创意与套路平衡等特点。",
    agent_name: "wuxia_writer",
    language: "zh",
    ready: ["text_statistics"],
    made: [
      {
        key: "world_notes",
        parameters: [parameter("names", "list_of_strings"), parameter("text")],
        tests: [
          {
            input_json: '{"names":["令狐冲","岳不群"],"text":"令狐冲拔剑。令狐冲笑。"}',
            text_is: "令狐冲: 2\n岳不群: 0",
          },
          { input_json: '{"names":[],"text":"x"}', succeeds: false, text_includes: "at least one" },
        ],
        // The first one imports what does not exist.
        sources: [
          'import { count } from "./lib/text.mjs";\nexport async function run({ names, text }) { return count(names, text); }',
          `export async function run({ names, text }) {
  if (names.length === 0) throw new Error("expected at least one name, found none");
  const counts = names.map((name) => [name, text.split(name).length - 1]);
  return { text: counts.map(([name, count]) => name + ": " + count).join("\\n"), data: Object.fromEntries(counts) };
}`,
        ],
      },
    ],
    unmet: [],
  },
];
