import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  type Artifact,
  type ArtifactRef,
  artifactPathSchema,
  findStage,
  leaseLost,
  type Project,
  projectIdSchema,
  type Repository,
  StagefoldError,
  stageKeySchema,
} from "@stagefold/core";
import { verifiedBytes } from "@stagefold/node-files";
import { type Request, type Response, Router } from "express";
import { z } from "zod";
import type { ApiDeps } from "./deps.ts";
import { servedType } from "./media-type.ts";

/** Bytes of one artifact. */
const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024;

const attemptSchema = z.coerce.number<string>().int().min(0).max(1_000_000);
const attemptText = z
  .string()
  .regex(/^\d{1,7}$/, "expected a whole number")
  .pipe(attemptSchema);

/** Which bytes are meant. An attempt is one of a stage. */
const getAddressSchema = z
  .object({
    project_id: projectIdSchema,
    path: artifactPathSchema,
    stage: stageKeySchema.optional(),
    attempt: attemptText.optional(),
  })
  .refine(({ stage, attempt }) => attempt === undefined || stage !== undefined, {
    path: ["stage"],
    message: "expected beside attempt",
  });

const putAddressSchema = z.object({
  project_id: projectIdSchema,
  path: artifactPathSchema,
  stage: stageKeySchema,
  attempt: attemptText,
});

type GetAddress = z.output<typeof getAddressSchema>;
type PutAddress = z.output<typeof putAddressSchema>;

/** `/artifacts/{project_id}/{path}`: the bytes of artifacts. */
export function artifactRoutes(deps: ApiDeps): Router {
  const routes = Router();
  routes
    .route("/:project_id/{*path}")
    .get((req, res) => sendArtifact(deps, addressOf(req), req, res))
    .put((req, res) => putArtifact(deps, addressOf(req), req, res));
  return routes;
}

/** What the address says, unchecked. */
interface Address {
  readonly project_id: unknown;
  readonly path: string;
  readonly stage: unknown;
  readonly attempt: unknown;
}

function addressOf(req: Request): Address {
  const { project_id, path } = req.params;
  return {
    project_id,
    path: Array.isArray(path) ? path.join("/") : (path ?? ""),
    stage: req.query.stage,
    attempt: req.query.attempt,
  };
}

/** Sends an artifact as a download that cannot run as a page, if its bytes are those that were recorded. */
async function sendArtifact(deps: ApiDeps, address: Address, req: Request, res: Response): Promise<void> {
  const wanted = getAddressSchema.parse(address);
  const { ref, recorded } = await findArtifact(deps.repository, wanted);
  const stored = await deps.artifacts.get(ref);
  if (!stored) throw noArtifact(wanted);
  // The one who destroys is Readable's wrapper, unless the store gave a Readable itself.
  const stream = stored.stream instanceof Readable ? stored.stream : Readable.from(stored.stream);
  try {
    if (recorded?.size !== undefined && recorded.size !== stored.size)
      throw damaged(deps, wanted, `${recorded.size} bytes were recorded, ${stored.size} are there`);
    const head = () => setHeaders(res, ref, stored.size, recorded);
    if (isKnown(req.get("if-none-match"), recorded?.sha256)) {
      head();
      res.removeHeader("content-length");
      res.status(304).end();
    } else if (req.method === "HEAD") {
      head();
      res.end();
    } else {
      // A client never has the whole of what is damaged; of a small artifact it gets a refusal instead of the first byte.
      const known = { size: stored.size, sha256: recorded?.sha256 };
      const bytes = verifiedBytes(stream, known, (expected, found) =>
        damaged(
          deps,
          wanted,
          `the bytes are not those that were recorded: expected ${expected}, found ${found}`,
        ),
      );
      const first = await bytes.next();
      head();
      await sendBytes(first, bytes, res);
    }
  } finally {
    stream.destroy();
  }
}

function setHeaders(res: Response, ref: ArtifactRef, size: number, recorded: Artifact | undefined): void {
  // A name that says nothing of a type: the type comes from the record.
  res.attachment(ref.path.split("/").at(-1));
  res.setHeader("content-type", servedType(recorded?.media_type));
  res.setHeader("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'");
  res.setHeader("cache-control", "private, no-cache");
  res.setHeader("content-length", size);
  if (recorded?.sha256 !== undefined) res.setHeader("etag", `"${recorded.sha256}"`);
}

async function sendBytes(
  first: IteratorResult<Uint8Array, number>,
  bytes: AsyncGenerator<Uint8Array, number>,
  res: Response,
): Promise<void> {
  const all = async function* () {
    if (!first.done) yield first.value;
    yield* bytes;
  };
  try {
    await pipeline(all, res);
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

/** Where the bytes are, and what the project says of them; an earlier attempt's are not in the project any more. */
interface Found {
  readonly ref: ArtifactRef;
  readonly recorded: Artifact | undefined;
}

/** Errors: PROJECT_NOT_FOUND, STAGE_NOT_FOUND, ARTIFACT_NOT_FOUND. */
async function findArtifact(repository: Repository, address: GetAddress): Promise<Found> {
  const { project_id, path } = address;
  const project = await repository.get(project_id);
  const stage = address.stage === undefined ? undefined : findStage(project, address.stage).stage;
  if (stage && address.attempt !== undefined && address.attempt < stage.attempt)
    return { ref: { project_id, stage: stage.stage, attempt: address.attempt, path }, recorded: undefined };
  const all = await repository.artifactsOf(project, address.stage);
  const recorded = all.findLast((artifact) => artifact.path === path);
  if (!recorded || (address.attempt !== undefined && address.attempt !== recorded.attempt))
    throw noArtifact(address);
  return { ref: { project_id, stage: recorded.stage, attempt: recorded.attempt, path }, recorded };
}

function noArtifact({ project_id, path }: { project_id: string; path: string }) {
  return new StagefoldError("ARTIFACT_NOT_FOUND", `Project ${project_id} has no artifact ${path} there.`, {
    project_id,
    path,
  });
}

/** Keeps the bytes of an artifact for the lease owner, who then reports it with an `artifacts` event. */
async function putArtifact(deps: ApiDeps, address: Address, req: Request, res: Response): Promise<void> {
  const wanted = putAddressSchema.parse(address);
  const token = tokenOf(req);
  const ref = refOfOwner(await deps.repository.get(wanted.project_id), wanted, token);
  if (Number(req.headers["content-length"] ?? 0) > MAX_ARTIFACT_BYTES) throw tooLarge();
  const stored = await put(deps, ref, req);
  if (!stored) return;
  res.json({ path: wanted.path, size: stored.size, sha256: stored.sha256 });
}

async function put(deps: ApiDeps, ref: ArtifactRef, req: Request) {
  try {
    // A store that stops reading must not end the connection, which still has to carry the answer.
    const bytes = req.iterator({ destroyOnReturn: false });
    return await deps.artifacts.put(ref, bytes, { limit: MAX_ARTIFACT_BYTES });
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
  return new StagefoldError("PAYLOAD_TOO_LARGE", `An artifact may have ${MAX_ARTIFACT_BYTES} bytes.`, {
    limit: MAX_ARTIFACT_BYTES,
  });
}
