import { type ArtifactRef, findStage, leaseLost, type Project, StagefoldError } from "@stagefold/core";
import type { Request, Response } from "express";
import type { ApiDeps } from "../deps.ts";
import { type PutAddress, putAddressSchema } from "./address.ts";
import type { Address } from "./routes.ts";

/** Bytes of one artifact. */
export const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024;

/** Keeps the bytes of an artifact for the holder of the lease, who then reports it with an `artifacts` event. */
export async function putArtifact(
  deps: ApiDeps,
  address: Address,
  req: Request,
  res: Response,
): Promise<void> {
  const wanted = putAddressSchema.parse(address);
  const token = tokenOf(req);
  const ref = refOfHolder(await deps.repository.get(wanted.project_id), wanted, token);
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
    // The client went away half-way: nothing was kept, and there is nobody to answer.
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
function refOfHolder(project: Project, wanted: PutAddress, token: number): ArtifactRef {
  const { stage } = findStage(project, wanted.stage);
  const held = project.lease_token === token && project.lease.owner !== undefined;
  // Before the holder's first write, what runs is what an earlier one left.
  const running =
    project.lease.fresh !== true && stage.status === "running" && stage.attempt === wanted.attempt;
  if (!held || !running) throw leaseLost(project.project_id);
  return { ...wanted, stage: stage.stage };
}

function tooLarge() {
  return new StagefoldError("PAYLOAD_TOO_LARGE", `An artifact may have ${MAX_ARTIFACT_BYTES} bytes.`, {
    limit: MAX_ARTIFACT_BYTES,
  });
}
