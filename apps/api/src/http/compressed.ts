import compression from "compression";
import type { RequestHandler } from "express";
import { isEventStream } from "../connections.ts";

/** Compresses pages and JSON where the client asks for it. Events are sent one by one, and parts of a file as they are. */
export function compressed(): RequestHandler {
  return compression({
    filter: (req, res) =>
      !isEventStream(res) && !res.hasHeader("content-range") && compression.filter(req, res),
  });
}
