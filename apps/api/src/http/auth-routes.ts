import type { IncomingMessage, ServerResponse } from "node:http";
import { StagefoldError } from "@stagefold/core";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { type Auth, cookieOf } from "../auth/authenticate.ts";
import { LOCAL, type Principal } from "../auth/principal.ts";
import { markProven } from "../connections.ts";
import { basePathOf } from "./base-path.ts";

const SIGN_IN_SECONDS = 600;

const principals = new WeakMap<ServerResponse, Principal>();

/** Who makes the request that is being answered. Errors: UNAUTHENTICATED for one that was not admitted. */
export function principalOf(res: ServerResponse): Principal {
  const principal = principals.get(res);
  if (principal) return principal;
  throw new StagefoldError("UNAUTHENTICATED", "This request was not admitted.", {});
}

/** Admits those alone who say who they are, where that is asked. */
export function admit(auth: Auth | undefined): RequestHandler {
  return async (req, res, next) => {
    const principal = auth ? await auth.admit(req, res) : LOCAL;
    if (!auth) markProven(req.socket);
    principals.set(res, principal);
    next();
  };
}

/**
 * `/auth`: how a browser signs in. `GET methods`; `POST session` with a key makes a cookie of it, `DELETE session` ends
 * it (`?everywhere=1`: all of the user's); `GET sign-in` goes to the identity provider, which comes back to `callback`.
 */
export function authRoutes(auth: Auth | undefined): Router {
  const routes = Router();
  routes.use((_req, res, next) => {
    res.setHeader("cache-control", "no-store");
    next();
  });
  routes.get("/methods", (_req, res) => {
    res.json({ methods: [...(auth?.options.keys ? ["keys"] : []), ...(auth?.oidc ? ["oidc"] : [])] });
  });
  if (auth) addSignIn(routes, auth);
  return routes;
}

function addSignIn(routes: Router, auth: Auth): void {
  routes.post("/session", async (req, res) => {
    const principal = await auth.admit(req, res);
    await beginSession(auth, principal, res);
    res.json({ name: principal.name, role: principal.role });
  });
  routes.delete("/session", async (req, res) => {
    const principal = await auth.admit(req, res);
    const token = cookieOf(req, auth.cookies.session);
    auth.open.release(res);
    if (req.query.everywhere !== undefined) await auth.sessions.endAll(principal);
    else if (token !== undefined) await auth.sessions.end(token);
    res.clearCookie(auth.cookies.session, cookieOptions(auth));
    res.json({ signed_out: true });
  });
  // The one who signs in is not known yet, and each beginning leaves a record.
  const limited: RequestHandler = (req, _res, next) => {
    auth.limitAddress(req);
    next();
  };
  routes.get("/sign-in", limited, async (req, res) => {
    const { url, cookie } = await oidcOf(auth).beginSignIn(callbackUrl(auth, req), returnTo(auth, req));
    const maxAge = SIGN_IN_SECONDS * 1000;
    res.cookie(auth.cookies.signIn, cookie, { ...cookieOptions(auth), maxAge });
    res.redirect(303, url.href);
  });
  routes.get("/callback", limited, async (req, res) => {
    const current = new URL(callbackUrl(auth, req));
    current.search = new URL(req.originalUrl, "http://host").search;
    const begun = cookieOf(req, auth.cookies.signIn) ?? "";
    const { principal, returnTo: path } = await oidcOf(auth).finishSignIn(current, begun);
    res.clearCookie(auth.cookies.signIn, cookieOptions(auth));
    await beginSession(auth, principal, res);
    res.redirect(303, path);
  });
}

async function beginSession(auth: Auth, principal: Principal, res: Response): Promise<void> {
  if (principal.kind === "local") return;
  const { token, ends_at } = await auth.sessions.begin(principal);
  res.cookie(auth.cookies.session, token, { ...cookieOptions(auth), expires: new Date(ends_at) });
}

/** Not `Strict`, with which the cookie would be left out on the way back from the identity provider. */
function cookieOptions(auth: Auth) {
  return { httpOnly: true, sameSite: "lax", secure: auth.cookies.secure, path: auth.cookies.path } as const;
}

function oidcOf(auth: Auth) {
  if (auth.oidc) return auth.oidc;
  throw new StagefoldError(
    "INVALID_INPUT",
    "This API knows no identity provider: STAGEFOLD_AUTH lacks oidc.",
    {},
  );
}

function callbackUrl(auth: Auth, req: IncomingMessage): string {
  const base = auth.options.publicUrl?.href.replace(/\/$/, "") ?? `http://${req.headers.host ?? ""}`;
  return `${base}/auth/callback`;
}

/** A path of this very page: an address of another site would make the sign-in a way to send people there. */
function returnTo(auth: Auth, req: Request): string {
  const path = req.query.return_to;
  return typeof path === "string" && /^\/(?![/\\])[^\r\n\\]{0,500}$/.test(path)
    ? path
    : `${basePathOf(auth.options.publicUrl)}/`;
}
