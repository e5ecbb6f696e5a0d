import type { IncomingMessage } from "node:http";
import { StagefoldError } from "@stagefold/core";
import type { RequestHandler } from "express";
import { sendError } from "./send-error.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/**
 * Refuses what a web page of another site may send: any page can reach a loopback address, but it can fake neither
 * `Host` (the way of a name that suddenly points here) nor `Origin`.
 */
export function hostCheck(): RequestHandler {
  return (req, res, next) => {
    const problem = problemOf(req);
    if (problem === undefined) next();
    else sendError(res, new StagefoldError("FORBIDDEN", problem, {}));
  };
}

/** Whether a request is one that the guard refuses. */
export function isForeignRequest(req: IncomingMessage): boolean {
  return problemOf(req) !== undefined;
}

function problemOf(req: IncomingMessage): string | undefined {
  const hosts = hostsOf(req.socket.localPort);
  const { host, origin } = req.headers;
  if (host === undefined || !hosts.includes(host.toLowerCase()))
    return `This API answers to ${hosts[0]} and other names of this machine alone, not to the Host that was sent.`;
  if (origin !== undefined && !hosts.some((own) => origin.toLowerCase() === `http://${own}`))
    return "This API does not answer to pages of another origin.";
  // A request without Origin, such as that of an image, still says where it comes from. Following a link is no harm.
  const crossSite =
    req.headers["sec-fetch-site"] === "cross-site" && req.headers["sec-fetch-mode"] !== "navigate";
  return crossSite ? "This API does not answer to pages of another site." : undefined;
}

function hostsOf(port: number | undefined): string[] {
  const withPort = LOOPBACK.map((name) => `${name}:${port}`);
  return port === 80 ? [...withPort, ...LOOPBACK] : withPort;
}

/** Whether a host to listen on is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
