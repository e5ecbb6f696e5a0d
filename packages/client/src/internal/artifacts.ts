import type { ArtifactAddress, UploadedArtifact, UploadInput } from "../api.ts";
import type { CallOptions } from "../options.ts";
import { errorFrom, isRecord, notTheApi, refusalIn } from "./error-from.ts";
import type { Transport } from "./transport.ts";

/** GET of an artifact's bytes. Errors: ARTIFACT_NOT_FOUND and the like; ConnectionError. */
export function download(
  transport: Transport,
  input: ArtifactAddress,
  options: CallOptions = {},
): Promise<Response> {
  return send(transport, input, { method: "GET" }, options);
}

/** PUT of an artifact's bytes. Errors: LEASE_LOST, PAYLOAD_TOO_LARGE and the like; ConnectionError. */
export async function upload(
  transport: Transport,
  input: UploadInput,
  options: CallOptions = {},
): Promise<UploadedArtifact> {
  const streamed = input.content instanceof ReadableStream;
  const request = {
    method: "PUT",
    headers: { "x-stagefold-lease": String(input.lease_token), "content-type": "application/octet-stream" },
    body: input.content,
    // A stream as body is refused without it.
    ...(streamed && { duplex: "half" as const }),
  };
  const response = await send(transport, input, request, options);
  const answer = await jsonOf(response);
  if (isUploaded(answer)) return answer;
  throw notTheApi(transport.url, `HTTP ${response.status} without path, size and sha256`);
}

async function send(
  transport: Transport,
  address: ArtifactAddress,
  request: RequestInit & { headers?: Record<string, string> },
  { signal }: CallOptions,
): Promise<Response> {
  const headers = { ...transport.headers, ...request.headers };
  try {
    const response = await transport.fetch(urlOf(transport.url, address), {
      ...request,
      headers,
      ...(signal && { signal }),
    });
    if (response.ok) return response;
    throw await refusalOf(response, transport.url);
  } catch (error) {
    signal?.throwIfAborted();
    throw errorFrom(error, transport.url);
  }
}

async function refusalOf(response: Response, url: string): Promise<Error> {
  const answer = await jsonOf(response);
  const refusal = isRecord(answer) ? refusalIn(answer.error) : undefined;
  return refusal ?? notTheApi(url, `HTTP ${response.status}`);
}

/** Undefined when the body is not JSON: then nobody of ours wrote it. */
async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function urlOf(url: string, { project_id, path, stage, attempt }: ArtifactAddress): string {
  const query = new URLSearchParams();
  if (stage !== undefined) query.set("stage", stage);
  if (attempt !== undefined) query.set("attempt", String(attempt));
  const place = [project_id, ...path.split("/")].map(encodeURIComponent).join("/");
  return `${url}/artifacts/${place}${query.size > 0 ? `?${query}` : ""}`;
}

function isUploaded(value: unknown): value is UploadedArtifact {
  if (!isRecord(value)) return false;
  return typeof value.path === "string" && typeof value.size === "number" && typeof value.sha256 === "string";
}
