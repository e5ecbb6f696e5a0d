import { isRecord, notTheApi } from "./errors.ts";
import type { CallOptions } from "./options.ts";
import type { Transport } from "./transport.ts";

export interface ArtifactAddress {
  /** Or a session or an invocation: see `addressOfRef`. */
  project_id: string;
  path: string;
  stage?: string | undefined;
  attempt?: number | undefined;
  /** Of a session: the turn that names it. */
  turn?: number | undefined;
}

/** Where the bytes are that a turn names by a `ref`: of one of its files, or the whole of a block. */
export function addressOfRef(ref: string, turn?: { turn?: number | undefined }): ArtifactAddress {
  const [project_id = "", stage, attempt, ...path] = ref.split("/");
  return { project_id, stage, attempt: Number(attempt), path: path.join("/"), turn: turn?.turn };
}

export interface UploadInput {
  project_id: string;
  path: string;
  stage: string;
  attempt: number;
  lease_token: number;
  content: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** `size` in bytes. */
export interface UploadedArtifact {
  path: string;
  size: number;
  sha256: string;
}

/** GET of an artifact's bytes. Errors: ARTIFACT_NOT_FOUND and the like; ConnectionError. */
export function download(
  transport: Transport,
  input: ArtifactAddress,
  options?: CallOptions,
): Promise<Response> {
  return transport.send(routeOf(input), {}, options);
}

/** PUT of an artifact's bytes. Errors: LEASE_LOST, PAYLOAD_TOO_LARGE and the like; ConnectionError. */
export async function upload(
  transport: Transport,
  input: UploadInput,
  options?: CallOptions,
): Promise<UploadedArtifact> {
  const streamed = input.content instanceof ReadableStream;
  const request = {
    method: "PUT",
    headers: { "x-stagefold-lease": String(input.lease_token), "content-type": "application/octet-stream" },
    body: input.content,
    // A stream as body is refused without it.
    ...(streamed && { duplex: "half" as const }),
  };
  const response = await transport.send(routeOf(input), request, options);
  const answer = await transport.json(response, options);
  if (isUploaded(answer)) return answer;
  throw notTheApi(transport.url, `HTTP ${response.status} without path, size and sha256`);
}

/** The address of an artifact, below that of the API. */
export function routeOf({ project_id, path, stage, attempt, turn }: ArtifactAddress): string {
  const query = new URLSearchParams();
  if (stage !== undefined) query.set("stage", stage);
  if (attempt !== undefined) query.set("attempt", String(attempt));
  if (turn !== undefined) query.set("turn", String(turn));
  const route = [project_id, ...path.split("/")].map(encodeURIComponent).join("/");
  return `/artifacts/${route}${query.size > 0 ? `?${query}` : ""}`;
}

function isUploaded(value: unknown): value is UploadedArtifact {
  if (!isRecord(value)) return false;
  return typeof value.path === "string" && typeof value.size === "number" && typeof value.sha256 === "string";
}
