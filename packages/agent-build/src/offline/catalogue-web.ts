import type { CatalogueEntry } from "./catalogue-entry.ts";

/** Tools that ask services which need a key. Their tests use made-up keys and the loopback server. */
export const webTools: readonly CatalogueEntry[] = [
  {
    key: "web_search",
    slug: "search",
    name: { en: "Web search", zh: "网络搜索" },
    summary: {
      en: "searches the web and the news (needs the secret TAVILY_API_KEY)",
      zh: "搜索网页和新闻（需要密钥 TAVILY_API_KEY）",
    },
    keywords: {
      en: [
        "web search*",
        "search the web",
        "search engine*",
        "internet search*",
        "google search",
        "news",
        "news search",
        "headline*",
      ],
      zh: [
        "智能检索",
        "自动检索",
        "联网搜索",
        "网络搜索",
        "搜索引擎",
        "检索",
        "搜索",
        "检索*新闻",
        "获取*新闻",
        "新闻信息",
        "热门新闻",
        "新闻",
        "资讯",
      ],
    },
    covers: [],
    needs: [],
    secrets: ["TAVILY_API_KEY", "TAVILY_API_URL"],
    input: ["'search tide tables'", "'新闻 人工智能'"],
    output: "titles, addresses and extracts of what was found",
    rule: "search, news, 搜索 or 新闻, and what to look for",
    errors: ["no key, or one that is not accepted", "no answer within 20 s"],
    cases: [
      {
        args: ["search tide tables"],
        env: { TAVILY_API_KEY: "made-up", TAVILY_API_URL: "{loopback}" },
        exit: 0,
        stdout: "1. Tide tables\n   https://example.org/tides\n   High water at six.",
      },
      { args: ["搜索 潮汐"], exit: 1, includes: "TAVILY_API_KEY" },
    ],
  },
  {
    key: "aws_pricing",
    slug: "pricing",
    name: { en: "AWS prices", zh: "AWS 价格查询" },
    summary: {
      en: "looks up on-demand prices of AWS products (needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
      zh: "查询 AWS 产品按需价格（需要 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY）",
    },
    keywords: {
      en: ["aws pric*", "aws cost*", "aws quote*", "ec2 pric*"],
      zh: ["AWS产品报价", "AWS报价", "AWS价格", "AWS*价格查询", "AWS产品的价格查询"],
    },
    covers: ["cloud_pricing"],
    needs: [],
    secrets: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_PRICING"],
    input: ["'price AmazonEC2 instanceType=t3.micro regionCode=eu-west-1'"],
    output: "prices, the lowest first",
    rule: "price, a service code of AWS, and field=value for each attribute",
    errors: ["no key, or one without the right pricing:GetProducts", "what AWS refuses"],
    cases: [
      {
        args: ["price AmazonEC2 instanceType=t3.micro regionCode=eu-west-1"],
        env: {
          AWS_ACCESS_KEY_ID: "made-up",
          AWS_SECRET_ACCESS_KEY: "made-up",
          AWS_ENDPOINT_URL_PRICING: "{loopback}",
        },
        exit: 0,
        stdout: "t3.micro eu-west-1: 0.0114 USD per Hrs (Linux/UNIX)",
      },
      { args: ["price AmazonS3"], exit: 1, includes: "AWS_ACCESS_KEY_ID" },
    ],
  },
];
