import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  type ArtifactRef,
  artifactPathSchema,
  type ByteRange,
  findStage,
  LIMITS,
  leaseLost,
  type Project,
  projectIdSchema,
  StagefoldError,
  stageKeySchema,
} from "@stagefold/core";
import { verifiedBytes } from "@stagefold/node-files";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { z } from "zod";
import type { TurnEngine } from "../agents/turn-engine.ts";
import { audited } from "../auth/audit.ts";
import { requireAccess } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { errorShapeOf } from "../errors.ts";
import { linkTo, sendLink, wantsLink } from "./artifact-link.ts";
import { principalOf } from "./auth-routes.ts";
import { requestedRange } from "./byte-range.ts";
import type { ApiDeps } from "./deps.ts";
import {
  attemptText,
  type Found,
  findArtifact,
  type GetAddress,
  getAddressSchema,
  isTurnOwner,
  noArtifact,
} from "./find-artifact.ts";
import { servedType } from "./media-type.ts";
import { findTurnFile } from "./turn-files.ts";

const putAddressSchema = z.object({
  project_id: projectIdSchema,
  path: artifactPathSchema,
  stage: stageKeySchema,
  attempt: attemptText,
});

type PutAddress = z.output<typeof putAddressSchema>;

/**
 * `/artifacts/{project_id}/{path}`: the bytes of artifacts. With a session or an invocation in the place of the project,
 * those that its turns name; `stage` and `attempt` are then what a `ref` says.
 */
export function artifactRoutes(
  deps: ApiDeps,
  context: Pick<Context, "turns" | "auth" | "onAuditError">,
): Router {
  const routes = Router();
  routes
    .route("/:project_id/{*path}")
    .get((req, res) => sendArtifact(deps, context.turns, addressOf(req), req, res))
    .put(mayPut(context), (req, res) => putArtifact(deps, addressOf(req), req, res));
  return routes;
}

/** What the address says, unchecked. */
interface Address {
  readonly project_id: unknown;
  readonly path: string;
  readonly stage: unknown;
  readonly attempt: unknown;
  readonly turn: unknown;
}

function addressOf(req: Request): Address {
  const { project_id, path } = req.params;
  return {
    project_id,
    path: Array.isArray(path) ? path.join("/") : (path ?? ""),
    stage: req.query.stage,
    attempt: req.query.attempt,
    turn: req.query.turn,
  };
}

/** Sends an artifact, or a part of it, as a download that cannot run as a page, if it is what was recorded. */
async function sendArtifact(
  deps: ApiDeps,
  turns: Pick<TurnEngine, "get">,
  address: Address,
  req: Request,
  res: Response,
): Promise<void> {
  const wanted = getAddressSchema.parse(address);
  const { ref, recorded } = isTurnOwner(wanted.project_id)
    ? await findTurnFile(turns, wanted)
    : await findArtifact(deps.repository, wanted);
  if (isKnown(req.get("if-none-match"), recorded?.sha256)) return sendUnchanged(ref, recorded, res);
  const range = req.method === "GET" ? rangeOf(req, recorded) : undefined;
  if (range === "unsatisfiable") return refuseRange(recorded?.size ?? 0, res);
  const requireSize = ({ size }: { readonly size: number }) => {
    if (recorded?.size !== undefined && recorded.size !== size)
      throw damaged(deps, wanted, `${recorded.size} bytes were recorded, ${size} are there`);
  };
  const link = wantsLink(deps, req) && (await linkTo(deps, { ref, recorded }, res));
  if (link) {
    requireSize(link);
    return sendLink(link, res);
  }
  const stored = await deps.artifacts.get(ref, { range });
  if (!stored) throw noArtifact(wanted);
  // The one who destroys is Readable's wrapper, unless the store gave a Readable itself.
  const stream = stored.stream instanceof Readable ? stored.stream : Readable.from(stored.stream);
  try {
    requireSize(stored);
    const { size } = stored;
    const head = () => setHeaders(res, ref, { size, range }, recorded);
    if (req.method === "HEAD") {
      head();
      res.end();
    } else if (range) {
      // A part cannot be held against the digest of the whole.
      head();
      await sendBytes(stream, res);
    } else {
      // A client never has the whole of what is damaged; of a small artifact it gets a refusal instead of the first byte.
      const bytes = verifiedBytes(stream, { size, sha256: recorded?.sha256 }, (expected, found) =>
        damaged(
          deps,
          wanted,
          `the bytes are not those that were recorded: expected ${expected}, found ${found}`,
        ),
      );
      const first = await bytes.next();
      head();
      await sendBytes(withFirst(first, bytes), res);
    }
  } finally {
    stream.destroy();
  }
}

/** A size that was not recorded is not known before the bytes are opened: then all of them are sent. */
function rangeOf(req: Request, recorded: Found["recorded"]) {
  if (recorded?.size === undefined) return undefined;
  const condition = req.get("if-range");
  if (condition !== undefined && condition !== etagOf(recorded)) return undefined;
  return requestedRange(req.get("range"), recorded.size);
}

function sendUnchanged(ref: ArtifactRef, recorded: Found["recorded"], res: Response): void {
  setHeaders(res, ref, { size: 0 }, recorded);
  res.removeHeader("content-length");
  res.status(304).end();
}

function refuseRange(size: number, res: Response): void {
  const issue = `range: expected one within ${size} bytes`;
  const error = errorShapeOf(
    new StagefoldError("INVALID_INPUT", `The request is not valid: ${issue}.`, { issues: [issue] }),
  );
  res.setHeader("content-range", `bytes */${size}`);
  res.status(416).json({ error: { ...error, data: { ...error.data, httpStatus: 416 } } });
}

function etagOf(recorded: Found["recorded"]): string | undefined {
  return recorded?.sha256 === undefined ? undefined : `"${recorded.sha256}"`;
}

function setHeaders(
  res: Response,
  ref: ArtifactRef,
  { size, range }: { readonly size: number; readonly range?: ByteRange | undefined },
  recorded: Found["recorded"],
): void {
  // A name that says nothing of a type: the type comes from the record.
  res.attachment(ref.path.split("/").at(-1));
  res.setHeader("content-type", servedType(recorded?.media_type));
  res.setHeader("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'");
  res.setHeader("cache-control", "private, no-cache");
  res.setHeader("content-length", range ? range.last - range.first + 1 : size);
  if (recorded?.size !== undefined) res.setHeader("accept-ranges", "bytes");
  if (range) res.status(206).setHeader("content-range", `bytes ${range.first}-${range.last}/${size}`);
  const etag = etagOf(recorded);
  if (etag !== undefined) res.setHeader("etag", etag);
}

async function* withFirst(
  first: IteratorResult<Uint8Array, number>,
  bytes: AsyncGenerator<Uint8Array, number>,
): AsyncGenerator<Uint8Array> {
  if (!first.done) yield first.value;
  yield* bytes;
}

async function sendBytes(bytes: AsyncIterable<Uint8Array>, res: Response): Promise<void> {
  try {
    await pipeline(bytes, res);
  } catch (error) {
    // When the client goes away, nothing is wrong here.
    if (error instanceof StagefoldError || !res.destroyed) throw error;
  }
}

function damaged({ log }: ApiDeps, { project_id, path }: GetAddress, how: string): StagefoldError {
  const message = `Artifact ${path} of project ${project_id} is damaged: ${how}.`;
  log?.error({ project_id, path }, message);
  return new StagefoldError("ARTIFACT_NOT_FOUND", message, { project_id, path });
}

/** Unlike Express's own comparison, also where the client's cache is not to be used: what it has, it has. */
function isKnown(known: string | undefined, sha256: string | undefined): boolean {
  if (known === undefined || sha256 === undefined) return false;
  return known
    .split(",")
    .map((one) => one.trim().replace(/^W\//, ""))
    .some((one) => one === `"${sha256}"` || one === "*");
}

/** As of procedures, a refusal by role leaves a row in the audit log; what is put is in the reports of its lease owner. */
function mayPut(context: Pick<Context, "auth" | "onAuditError">): RequestHandler {
  return async (req, res, next) => {
    const principal = principalOf(res);
    try {
      requireAccess(principal, "work");
    } catch (error) {
      const { id: by, role } = principal;
      const project_id = String(req.params.project_id).slice(0, 64);
      const from = context.auth?.addressOf(req);
      const result = "FORBIDDEN";
      await audited(context, { by, role, procedure: "artifacts.put", project_id, from, result });
      throw error;
    }
    next();
  };
}

/** Keeps the bytes of an artifact for the lease owner, who then reports it with an `artifacts` event. */
async function putArtifact(deps: ApiDeps, address: Address, req: Request, res: Response): Promise<void> {
  const wanted = putAddressSchema.parse(address);
  const token = tokenOf(req);
  const ref = refOfOwner(await deps.repository.get(wanted.project_id), wanted, token);
  if (Number(req.headers["content-length"] ?? 0) > LIMITS.artifact) throw tooLarge();
  const stored = await put(deps, ref, req);
  if (!stored) return;
  res.json({ path: wanted.path, size: stored.size, sha256: stored.sha256 });
}

async function put(deps: ApiDeps, ref: ArtifactRef, req: Request) {
  try {
    // A store that stops reading must not end the connection, which still has to carry the answer.
    const bytes = req.iterator({ destroyOnReturn: false });
    return await deps.artifacts.put(ref, bytes, { limit: LIMITS.artifact });
  } catch (error) {
    // The client went away half-way: nothing was kept, and there is no one to answer.
    if (req.destroyed && !req.complete) return undefined;
    // The rest is read and dropped: until it is, the client may not look for an answer.
    req.resume();
    throw error;
  }
}

function tokenOf(req: Request): number {
  const text = req.get("x-stagefold-lease") ?? "";
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const issue = "x-stagefold-lease: expected a header with the lease_token of the claim";
  throw new StagefoldError("INVALID_INPUT", `The request is not valid: ${issue}`, { issues: [issue] });
}

/** Errors: STAGE_NOT_FOUND, LEASE_LOST unless this attempt runs under this token. */
function refOfOwner(project: Project, wanted: PutAddress, token: number): ArtifactRef {
  const { stage } = findStage(project, wanted.stage);
  const held = project.lease_token === token && project.lease.owner !== undefined;
  // Before the lease owner's first write, what runs is what an earlier owner left.
  const running =
    project.lease.unstarted !== true && stage.status === "running" && stage.attempt === wanted.attempt;
  if (!held || !running) throw leaseLost(project.project_id);
  return { ...wanted, stage: stage.stage };
}

function tooLarge() {
  return new StagefoldError("PAYLOAD_TOO_LARGE", `An artifact may have ${LIMITS.artifact} bytes.`, {
    limit: LIMITS.artifact,
  });
}
