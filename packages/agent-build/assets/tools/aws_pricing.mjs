/** On-demand prices of AWS products, from the AWS Price List API. */

export const key = "aws_pricing";

/** Names of the secrets that this tool reads; the key needs the right pricing:GetProducts. */
export const secrets = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_ENDPOINT_URL_PRICING",
];

const TIMEOUT_MS = 20_000;
const REGION = "us-east-1";
const SHOWN = 10;
const ORDER =
  /^(?:aws\s+)?(?:price|prices|pricing|价格|报价|询价)\s+(?:of\s+)?(?<service>(?:Amazon|AWS)[A-Za-z0-9]+)(?<filters>(?:\s+[A-Za-z]+=(?:"[^"]*"|\S+))*)\s*$/iu;

/** @param {string} text */
function filtersOf(text) {
  return [...text.matchAll(/([A-Za-z]+)=(?:"([^"]*)"|(\S+))/g)].map(([, Field, quoted, plain]) => ({
    Type: "TERM_MATCH",
    Field,
    Value: quoted ?? plain,
  }));
}

/** @typedef {{ product: string, region: string, usd: number, unit: string, description: string }} Price */

/** @param {any} product @returns {Price[]} */
function pricesOf(product) {
  const { attributes = {}, productFamily = "" } = product.product ?? {};
  const terms = Object.values(product.terms?.OnDemand ?? {});
  return terms.flatMap((/** @type {any} */ term) =>
    Object.values(term.priceDimensions ?? {}).map((/** @type {any} */ dimension) => ({
      product: String(attributes.instanceType ?? attributes.usagetype ?? productFamily),
      region: String(attributes.regionCode ?? attributes.location ?? ""),
      usd: Number(dimension.pricePerUnit?.USD ?? Number.NaN),
      unit: String(dimension.unit ?? ""),
      description: String(dimension.description ?? ""),
    })),
  );
}

/** @param {Record<string, string | undefined>} given @param {object} order */
async function request(given, order) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = given;
  if (!accessKeyId || !secretAccessKey)
    throw new Error(
      "cannot ask for prices: expected the secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    );
  const { signed } = await import("./lib/aws.mjs");
  const { url, init } = await signed({
    url: new URL("/", given.AWS_ENDPOINT_URL_PRICING || `https://api.pricing.${REGION}.amazonaws.com`).href,
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AWSPriceListService.GetProducts",
    },
    body: JSON.stringify(order),
    service: "pricing",
    region: REGION,
    accessKeyId,
    secretAccessKey,
    ...(given.AWS_SESSION_TOKEN ? { sessionToken: given.AWS_SESSION_TOKEN } : {}),
  });
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((cause) => {
    throw new Error(`cannot ask for prices: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  });
  const answer = /** @type {any} */ (await response.json().catch(() => ({})));
  if (!response.ok) {
    const why = String(answer.__type ?? response.status).replace(/^.*#/, "");
    throw new Error(
      `cannot ask for prices: AWS answered ${why} ${answer.message ?? answer.Message ?? ""}`.trim(),
    );
  }
  return Array.isArray(answer.PriceList) ? answer.PriceList : [];
}

/** How surely the input is for this tool: 0 to 1. @param {string} input */
export function match(input) {
  return ORDER.test(input.trim()) ? 0.9 : 0;
}

/** @param {string} input Such as `price AmazonEC2 instanceType=t3.micro regionCode=eu-west-1`. @param {{ secrets?: Record<string, string | undefined> }} context */
export async function run(input, { secrets: given = {} }) {
  const found = ORDER.exec(input.trim())?.groups;
  if (found?.service === undefined)
    throw new Error(
      "cannot ask for prices: expected price <service code> field=value …, such as price AmazonS3 regionCode=eu-west-1",
    );
  const order = {
    ServiceCode: found.service,
    Filters: filtersOf(found.filters ?? ""),
    FormatVersion: "aws_v1",
    MaxResults: 100,
  };
  const list = await request(given, order);
  /** @type {Price[]} */
  const prices = list
    .flatMap((/** @type {unknown} */ text) => pricesOf(typeof text === "string" ? JSON.parse(text) : text))
    .filter((/** @type {Price} */ { usd }) => Number.isFinite(usd))
    .sort((/** @type {Price} */ a, /** @type {Price} */ b) => a.usd - b.usd);
  const lines = prices
    .slice(0, SHOWN)
    .map(
      ({ product, region, usd, unit, description }) =>
        `${product} ${region}: ${usd} USD per ${unit} (${description})`,
    );
  if (prices.length > SHOWN) lines.push(`(${prices.length - SHOWN} more prices)`);
  return {
    text: lines.length === 0 ? "no prices match" : lines.join("\n"),
    data: { service: found.service, prices },
  };
}
