// Long because: one service is in one place, so that its strictness can be read as a whole.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/**
 * What becomes of a request: it is answered; refused as S3 refuses when it is busy; refused as another conditional put
 * of the same key is under way; acted upon and its reply lost; or its answer is cut off in the middle.
 */
export type S3Fate = "pass" | "busy" | "conflict" | "lose" | "cut";

/** One request as `fate` sees it. */
export interface S3Request {
  /** Such as `PutObject`. */
  readonly operation: string;
  readonly key: string;
}

/** A bucket of a test's own, on the loopback. */
export interface S3Double extends AsyncDisposable {
  readonly endpoint: string;
  readonly bucket: string;
  /** What is in the bucket, by key. */
  readonly objects: Map<string, Buffer>;
  /** Uploads in parts that were begun and neither completed nor aborted. */
  readonly uploads: ReadonlyMap<string, unknown>;
  /** How often each operation was asked for. */
  readonly count: Map<string, number>;
  fate: (request: S3Request) => S3Fate;
  /** Its clock, by which signed addresses are over. */
  now: () => number;
  /** Keys of one page of a list, 1000 as S3 has it unless a test wants several soon. */
  pageSize: number;
}

/** Headers `x-amz-meta-*`. */
type Metadata = Readonly<Record<string, string>>;

interface Upload {
  readonly key: string;
  readonly metadata: Metadata;
  readonly parts: Map<number, Buffer>;
}

/** What S3 takes. */
const MAX_KEY_BYTES = 1024;
const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_PARTS = 10_000;
const MAX_LIST = 1000;

/** Of those who sign addresses: these are held against it. */
const SECRET_ACCESS_KEY = "test";

class S3Error extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string | number>;
  readonly body?: Buffer | string;
}

interface Call extends S3Request {
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/**
 * As much of S3 as the stores use, and as strict: conditional puts, uploads in parts, ranges, lists in pages, with the
 * service's own errors. Whatever else is asked for is refused, so that no test passes by what it ignores.
 */
export async function startS3Double({ bucket = "builds", host = "127.0.0.1" } = {}): Promise<S3Double> {
  const objects = new Map<string, Buffer>();
  const metadata = new Map<string, Metadata>();
  const uploads = new Map<string, Upload>();
  const server = createServer((req, res) => void answer(req, res));
  const double: S3Double = {
    endpoint: "",
    bucket,
    objects,
    uploads,
    count: new Map(),
    fate: () => "pass",
    now: Date.now,
    pageSize: MAX_LIST,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  const operations: Record<string, (call: Call) => Answer> = {
    PutObject(call) {
      requireAbsent(call);
      objects.set(call.key, call.body);
      metadata.set(call.key, metadataOf(call));
      return { headers: { etag: etagOf(call.body) } };
    },
    GetObject: ({ key, headers, query }) => overridden(read(key, headers), query),
    HeadObject: ({ key, headers }) => read(key, headers),
    DeleteObject({ key }) {
      objects.delete(key);
      return { status: 204 };
    },
    ListObjectsV2({ query }) {
      const prefix = query.get("prefix") ?? "";
      const after = Buffer.from(query.get("continuation-token") ?? "", "base64url").toString();
      const limit = Math.min(double.pageSize, Number(query.get("max-keys") ?? MAX_LIST));
      const keys = [...objects.keys()]
        .filter((key) => key.startsWith(prefix) && (after === "" || compareBytes(key, after) > 0))
        .sort(compareBytes);
      const page = keys.slice(0, limit);
      const last = page.length < keys.length ? page.at(-1) : undefined;
      const contents = page.map((key) => {
        const bytes = objects.get(key) ?? Buffer.alloc(0);
        return `<Contents>${xml("Key", key)}${xml("ETag", etagOf(bytes))}${xml("Size", bytes.length)}</Contents>`;
      });
      const next = last && xml("NextContinuationToken", Buffer.from(last).toString("base64url"));
      const end = `${xml("KeyCount", page.length)}${xml("IsTruncated", last !== undefined)}${next ?? ""}`;
      return document("ListBucketResult", `${xml("Name", bucket)}${end}${contents.join("")}`);
    },
    CreateMultipartUpload(call) {
      const { key } = call;
      const id = randomBytes(12).toString("hex");
      uploads.set(id, { key, metadata: metadataOf(call), parts: new Map() });
      const inner = `${xml("Bucket", bucket)}${xml("Key", key)}${xml("UploadId", id)}`;
      return document("InitiateMultipartUploadResult", inner);
    },
    UploadPart(call) {
      const number = Number(call.query.get("partNumber"));
      if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS)
        throw new S3Error(400, "InvalidArgument");
      uploadOf(call).parts.set(number, call.body);
      return { headers: { etag: etagOf(call.body) } };
    },
    CompleteMultipartUpload(call) {
      requireAbsent(call);
      const { parts, metadata: given } = uploadOf(call);
      const named = [...call.body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = ""]) => ({
        number: Number(/<PartNumber>(\d+)<\/PartNumber>/.exec(part)?.[1]),
        etag: (/<ETag>(.*?)<\/ETag>/.exec(part)?.[1] ?? "").replaceAll("&quot;", '"'),
      }));
      if (named.length === 0) throw new S3Error(400, "MalformedXML");
      const all = named.map(({ number, etag }, i) => {
        const part = parts.get(number);
        if (!part || etagOf(part) !== etag) throw new S3Error(400, "InvalidPart");
        if (number <= (named[i - 1]?.number ?? 0)) throw new S3Error(400, "InvalidPartOrder");
        if (i < named.length - 1 && part.length < MIN_PART_BYTES) throw new S3Error(400, "EntityTooSmall");
        return part;
      });
      uploads.delete(call.query.get("uploadId") ?? "");
      objects.set(call.key, Buffer.concat(all));
      metadata.set(call.key, given);
      const inner = `${xml("Bucket", bucket)}${xml("Key", call.key)}${xml("ETag", `"${"0".repeat(32)}-${all.length}"`)}`;
      return document("CompleteMultipartUploadResult", inner);
    },
    AbortMultipartUpload(call) {
      uploadOf(call);
      uploads.delete(call.query.get("uploadId") ?? "");
      return { status: 204 };
    },
  };

  const requireAbsent = ({ headers, key }: Call) => {
    const condition = headers["if-none-match"];
    if (condition !== undefined && condition !== "*") throw new S3Error(501, "NotImplemented");
    if (condition === "*" && objects.has(key)) throw new S3Error(412, "PreconditionFailed");
    if (headers["if-match"] !== undefined) throw new S3Error(501, "NotImplemented");
  };

  const read = (key: string, headers: Call["headers"]): Answer => {
    const bytes = objects.get(key);
    if (!bytes) throw new S3Error(404, "NoSuchKey", "The specified key does not exist.");
    const etag = etagOf(bytes);
    if (headers["if-match"] !== undefined && headers["if-match"] !== etag)
      throw new S3Error(412, "PreconditionFailed");
    const known = { etag, ...metadata.get(key) };
    if (headers.range === undefined) return { headers: { ...known, "accept-ranges": "bytes" }, body: bytes };
    const [, first = "", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range) ?? [];
    // S3 ignores a range that it does not understand; nothing here sends one.
    if (first === "") throw new S3Error(501, "NotImplemented");
    const end = Math.min(last === "" ? Number.POSITIVE_INFINITY : Number(last), bytes.length - 1);
    if (Number(first) > end) throw new S3Error(416, "InvalidRange");
    const range = `bytes ${first}-${end}/${bytes.length}`;
    const body = bytes.subarray(Number(first), end + 1);
    return { status: 206, headers: { ...known, "content-range": range }, body };
  };

  const uploadOf = ({ query, key }: Call): Upload => {
    const upload = uploads.get(query.get("uploadId") ?? "");
    if (!upload || upload.key !== key) throw new S3Error(404, "NoSuchUpload");
    return upload;
  };

  const handle = (call: Call): Answer => {
    if (call.key !== "" && Buffer.byteLength(call.key) > MAX_KEY_BYTES)
      throw new S3Error(400, "KeyTooLongError");
    const operate = operations[call.operation];
    if (!operate) throw new S3Error(501, "NotImplemented", call.operation);
    return operate(call);
  };

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? "/", "http://s3");
    const [, name = "", ...rest] = url.pathname.split("/");
    const key = decodeURIComponent(rest.join("/"));
    const operation = operationOf(req.method ?? "", key, url.searchParams);
    const fate = double.fate({ operation, key });
    double.count.set(operation, (double.count.get(operation) ?? 0) + 1);
    try {
      // A body that breaks off is no request: nothing is done.
      const body = await bodyOf(req).catch(() => undefined);
      if (!body) return void res.destroy();
      if (url.searchParams.has("X-Amz-Signature")) requirePresigned(req, url, double.now());
      else requireSigned(req, body);
      if (decodeURIComponent(name) !== bucket) throw new S3Error(404, "NoSuchBucket");
      if (fate === "busy") throw new S3Error(503, "SlowDown", "Please reduce your request rate.");
      if (fate === "conflict") throw new S3Error(409, "ConditionalRequestConflict");
      const done = handle({ operation, key, query: url.searchParams, headers: req.headers, body });
      if (fate === "lose") return void res.destroy();
      send(res, done, fate === "cut");
    } catch (error) {
      const { status, code, message } =
        error instanceof S3Error ? error : new S3Error(500, "InternalError", String(error));
      const refusal = document(
        "Error",
        `${xml("Code", code)}${xml("Message", message)}${xml("RequestId", "1")}`,
      );
      send(res, { ...refusal, status });
    }
  }

  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the double listens on no port");
  return Object.assign(double, { endpoint: `http://${host}:${address.port}` });
}

function operationOf(method: string, key: string, query: URLSearchParams): string {
  const has = (name: string) => query.has(name);
  if (key === "")
    return method === "GET" && query.get("list-type") === "2" ? "ListObjectsV2" : `${method} bucket`;
  switch (method) {
    case "PUT":
      return has("uploadId") ? "UploadPart" : "PutObject";
    case "GET":
      return "GetObject";
    case "HEAD":
      return "HeadObject";
    case "DELETE":
      return has("uploadId") ? "AbortMultipartUpload" : "DeleteObject";
    case "POST":
      return has("uploads")
        ? "CreateMultipartUpload"
        : has("uploadId")
          ? "CompleteMultipartUpload"
          : "POST object";
    default:
      return `${method} object`;
  }
}

function metadataOf({ headers }: Call): Metadata {
  const given = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part);
  return Buffer.concat(parts);
}

/** Headers of an answer as the request wants them. */
const OVERRIDES = ["content-disposition", "content-type", "cache-control"];

function overridden(answer: Answer, query: URLSearchParams): Answer {
  const wanted = OVERRIDES.flatMap((name) => {
    const value = query.get(`response-${name}`);
    return value === null ? [] : [[name, value] as const];
  });
  return { ...answer, headers: { ...answer.headers, ...Object.fromEntries(wanted) } };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** As Amazon signs the parts of an address. */
function uriEncoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** An address that lets in everyone who has it: its signature must be that of this very request, and not be over. */
function requirePresigned({ method = "", headers }: IncomingMessage, url: URL, now: number): void {
  if (headers.authorization !== undefined)
    throw new S3Error(400, "InvalidArgument", "Only one auth mechanism allowed");
  const given = (name: string) => url.searchParams.get(`X-Amz-${name}`) ?? "";
  const [, ...scope] = given("Credential").split("/");
  const [day = "", region = "", service = "", end = ""] = scope;
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(given("Date")) ?? [];
  const at = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}.000Z`);
  const seconds = Number(given("Expires"));
  const isForm = given("Algorithm") === "AWS4-HMAC-SHA256" && service === "s3" && end === "aws4_request";
  if (!isForm || Number.isNaN(at) || !(seconds >= 1 && seconds <= 604_800) || !given("Date").startsWith(day))
    throw new S3Error(400, "AuthorizationQueryParametersError");
  if (now > at + seconds * 1000) throw new S3Error(403, "AccessDenied", "Request has expired");
  const signed = given("SignedHeaders").split(";");
  const queries = [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${uriEncoded(name)}=${uriEncoded(value)}`)
    .sort();
  const named = signed.map((name) => `${name}:${String(headers[name] ?? "").trim()}\n`).join("");
  const path = decodeURIComponent(url.pathname).split("/").map(uriEncoded).join("/");
  const request = [method, path, queries.join("&"), named, signed.join(";"), "UNSIGNED-PAYLOAD"].join("\n");
  const text = ["AWS4-HMAC-SHA256", given("Date"), scope.join("/"), sha256(request)].join("\n");
  const key = [day, region, service, end].reduce<string | Buffer>(hmac, `AWS4${SECRET_ACCESS_KEY}`);
  if (!signed.includes("host") || hmac(key, text).toString("hex") !== given("Signature"))
    throw new S3Error(403, "SignatureDoesNotMatch");
}

/** Signed, with a length, and with the digest of what came. Chunks that are signed one by one nothing here sends. */
function requireSigned({ headers, method }: IncomingMessage, body: Buffer): void {
  if (
    !/^AWS4-HMAC-SHA256 Credential=\S+, ?SignedHeaders=\S+, ?Signature=[0-9a-f]{64}$/.test(
      headers.authorization ?? "",
    )
  )
    throw new S3Error(403, "AccessDenied");
  if (method === "PUT" && headers["content-length"] === undefined)
    throw new S3Error(411, "MissingContentLength");
  if (headers["content-encoding"] !== undefined) throw new S3Error(501, "NotImplemented", "aws-chunked");
  const digest = headers["x-amz-content-sha256"];
  if (digest === undefined) throw new S3Error(400, "InvalidRequest", "Missing x-amz-content-sha256");
  if (digest !== "UNSIGNED-PAYLOAD" && digest !== createHash("sha256").update(body).digest("hex"))
    throw new S3Error(400, "XAmzContentSHA256Mismatch");
}

function send(res: ServerResponse, { status = 200, headers = {}, body = "" }: Answer, cut = false): void {
  const bytes = Buffer.from(body);
  const length = status === 204 ? {} : { "content-length": bytes.length };
  res.writeHead(status, { ...length, ...headers });
  if (!cut) return void res.end(bytes);
  res.write(bytes.subarray(0, bytes.length >> 1), () => res.destroy());
}

function document(name: string, inner: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${name}>${inner}</${name}>`;
  return { headers: { "content-type": "application/xml" }, body };
}

function xml(name: string, value: string | number | boolean): string {
  const text = String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<${name}>${text}</${name}>`;
}

function etagOf(bytes: Buffer): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

/** As S3 orders keys. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
