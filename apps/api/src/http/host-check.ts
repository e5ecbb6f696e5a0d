import type { IncomingMessage } from "node:http";
import { StagefoldError } from "@stagefold/core";
import type { RequestHandler } from "express";
import { sendError } from "./send-error.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

const HEALTH = ["/healthz", "/readyz"];

/** Which names an API answers to. */
export interface HostPolicy {
  /** What browsers see behind a proxy (`STAGEFOLD_PUBLIC_URL`). */
  readonly publicUrl?: URL | undefined;
  /** Whether callers must say who they are: then any name will do unless the public one is known. */
  readonly isAuthRequired?: boolean;
}

/**
 * Refuses what a web page of another site may send: any page can reach a loopback address, but it can fake neither
 * `Host` (the way of a name that suddenly points here) nor `Origin`.
 */
export function hostCheck(policy: HostPolicy = {}): RequestHandler {
  return (req, res, next) => {
    // A load balancer asks for the health of a machine by its address, and learns nothing else.
    if (policy.isAuthRequired === true && HEALTH.includes(req.path)) return next();
    const problem = problemOf(req, policy);
    if (problem === undefined) next();
    else sendError(res, new StagefoldError("FORBIDDEN", problem, {}));
  };
}

/** Whether a request is one that the host check refuses. */
export function isForeignRequest(req: IncomingMessage, policy: HostPolicy = {}): boolean {
  return problemOf(req, policy) !== undefined;
}

function problemOf(req: IncomingMessage, policy: HostPolicy): string | undefined {
  const { host, origin } = req.headers;
  const named = host?.toLowerCase() ?? "";
  const hosts = hostsOf(req.socket.localPort);
  const { publicUrl } = policy;
  const isOpen = policy.isAuthRequired === true && publicUrl === undefined;
  if (named === "" || !(isOpen || hosts.includes(named) || named === publicUrl?.host))
    return (
      `This API answers to ${publicUrl?.host ?? hosts[0]} and names of this machine alone; the Host was ${preview(named)}. ` +
      "Behind a proxy, set STAGEFOLD_PUBLIC_URL to the address that browsers see."
    );
  const origins = [
    ...hosts.map((own) => `http://${own}`),
    ...(publicUrl ? [publicUrl.origin] : isOpen ? [`http://${named}`, `https://${named}`] : []),
  ];
  if (origin !== undefined && !origins.includes(origin.toLowerCase()))
    return (
      `This API does not answer to pages of another origin; the Origin was ${preview(origin)}. ` +
      "Behind a proxy, set STAGEFOLD_PUBLIC_URL to the address that browsers see."
    );
  // A request without Origin, such as that of an image, still says where it comes from. Following a link is no harm.
  const crossSite =
    req.headers["sec-fetch-site"] === "cross-site" && req.headers["sec-fetch-mode"] !== "navigate";
  return crossSite ? "This API does not answer to pages of another site." : undefined;
}

/** A header from outside in a message: one line, of bearable length. */
function preview(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function hostsOf(port: number | undefined): string[] {
  const withPort = LOOPBACK.map((name) => `${name}:${port}`);
  return port === 80 ? [...withPort, ...LOOPBACK] : withPort;
}

/** Whether a host to listen on is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
