import type { Artifact, ArtifactRef } from "@stagefold/core";
import type { Request, Response } from "express";
import type { ApiDeps } from "./deps.ts";
import { servedType } from "./media-type.ts";

interface Link {
  readonly size: number;
  readonly url: string;
}

/** For how long a download may begin. One that is interrupted later asks the API again. */
const LINK_SECONDS = 60;

/**
 * Whether this download is to come from an address of the store. What a page fetches is not: the bucket would have to let
 * the page's origin read it. What a browser only saves, and what programs ask for, is.
 */
export function wantsLink({ linkDownloads, artifacts }: ApiDeps, req: Request): boolean {
  if (linkDownloads !== true || artifacts.link === undefined || req.method !== "GET") return false;
  const isBrowser = req.get("sec-fetch-site") !== undefined || req.headers.cookie !== undefined;
  return !isBrowser || req.get("sec-fetch-mode") === "navigate";
}

/** An address of the store for this download, and the size of what is there; undefined when nothing is. */
export async function linkTo(
  { artifacts }: ApiDeps,
  {
    ref,
    recorded,
  }: { readonly ref: ArtifactRef; readonly recorded: Pick<Artifact, "media_type"> | undefined },
  res: Response,
): Promise<Link | undefined> {
  // Express words the header for any name; on the redirect itself it says nothing.
  const disposition = res.attachment(ref.path.split("/").at(-1)).get("content-disposition") ?? "attachment";
  res.removeHeader("content-disposition");
  res.removeHeader("content-type");
  const type = servedType(recorded?.media_type);
  return await artifacts.link?.(ref, { disposition, type, seconds: LINK_SECONDS });
}

export function sendLink({ url }: Link, res: Response): void {
  // The address lets in everyone who has it: no cache may keep it.
  res.status(302).set({ location: url, "cache-control": "no-store" }).end();
}
