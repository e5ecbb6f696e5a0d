import { type Request, Router } from "express";
import type { ApiDeps } from "../deps.ts";
import { sendArtifact } from "./get.ts";
import { putArtifact } from "./put.ts";

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
export interface Address {
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
