import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Request, Response } from "express";
import type { ApiDeps } from "../deps.ts";
import { getAddressSchema } from "./address.ts";
import { findArtifact, noArtifact } from "./find.ts";
import { servedType } from "./media-type.ts";
import type { Address } from "./routes.ts";

/** Sends an artifact as a download that cannot run as a page. */
export async function sendArtifact(
  deps: ApiDeps,
  address: Address,
  req: Request,
  res: Response,
): Promise<void> {
  const wanted = getAddressSchema.parse(address);
  const { ref, recorded } = await findArtifact(deps.repository, wanted);
  const stored = await deps.artifacts.get(ref);
  if (!stored) throw noArtifact(wanted);
  // The one who destroys is Readable's wrapper, unless the store gave a Readable itself.
  const stream = stored.stream instanceof Readable ? stored.stream : Readable.from(stored.stream);
  // A name that says nothing of a type: the type comes from the record.
  res.attachment(ref.path.split("/").at(-1));
  res.setHeader("content-type", servedType(recorded?.media_type));
  res.setHeader("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'");
  res.setHeader("cache-control", "private, no-cache");
  res.setHeader("content-length", stored.size);
  if (recorded?.sha256 !== undefined && recorded.size === stored.size)
    res.setHeader("etag", `"${recorded.sha256}"`);
  const known = isKnown(req.get("if-none-match"), res.get("etag"));
  if (known || req.method === "HEAD") {
    stream.destroy();
    if (known) res.removeHeader("content-length");
    res.status(known ? 304 : 200).end();
    return;
  }
  await sendBytes(stream, res);
}

async function sendBytes(stream: Readable, res: Response): Promise<void> {
  try {
    await pipeline(stream, res);
  } catch (error) {
    // The client went away: there is nobody left to tell, and nothing is wrong here.
    if (error instanceof Error && Reflect.get(error, "code") === "ERR_STREAM_PREMATURE_CLOSE") return;
    throw error;
  }
}

/** Unlike Express's own comparison, also where the client's cache is not to be used: what it has, it has. */
function isKnown(known: string | undefined, etag: string | undefined): boolean {
  if (known === undefined || etag === undefined) return false;
  return known.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*");
}
