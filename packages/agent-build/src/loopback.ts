import { createServer, type RequestListener } from "node:http";
import { StageError } from "@stagefold/pipeline";

export const LOOPBACK_TEXT = "hello from loopback";

/** What the server answers, by path; a type and a body. Any other path gives the plain text. */
const ANSWERS: Readonly<Record<string, readonly [type: string, body: string]>> = {
  "/page.html": [
    "text/html; charset=utf-8",
    "<title>T</title><h1>Tides</h1><p>High at <b>six</b>.</p><script>alert(1)</script>",
  ],
  "/feed.xml": [
    "application/xml",
    '<?xml version="1.0"?><feed><entry id="1"><title>Tides</title></entry></feed>',
  ],
  "/data.json": ["application/json", '{"tide":{"high":"06:00"}}'],
  "/search": [
    "application/json",
    '{"results":[{"title":"Tide tables","url":"https://example.org/tides","content":"High water at six."}]}',
  ],
};

/** One product of the AWS Price List API, as it answers `GetProducts`. */
const PRICES = {
  PriceList: [
    JSON.stringify({
      product: { attributes: { instanceType: "t3.micro", regionCode: "eu-west-1" } },
      terms: {
        OnDemand: {
          a: {
            priceDimensions: {
              b: { unit: "Hrs", description: "Linux/UNIX", pricePerUnit: { USD: "0.0114000000" } },
            },
          },
        },
      },
    }),
  ],
};

const answer: RequestListener = (request, response) => {
  request.resume();
  if (request.headers["x-amz-target"] === "AWSPriceListService.GetProducts") {
    const isSigned = request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 Credential=") === true;
    response.writeHead(isSigned ? 200 : 403, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(isSigned ? PRICES : { __type: "MissingAuthenticationTokenException" }));
    return;
  }
  const path = (request.url ?? "/").replace(/\?.*$/, "");
  const [type, body] = Object.hasOwn(ANSWERS, path)
    ? (ANSWERS[path] ?? [])
    : ["text/plain; charset=utf-8", LOOPBACK_TEXT];
  response.setHeader("content-type", type ?? "text/plain").end(body);
};

/** A server for tools that fetch, so that they are tested without any network but this machine. */
export async function loopbackServer(): Promise<{ address: string; close: () => Promise<void> }> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new StageError("the loopback server has no port");
  const close = () =>
    new Promise<void>((resolve, reject) => {
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      server.closeAllConnections();
    });
  return { address: `http://127.0.0.1:${bound.port}`, close };
}
