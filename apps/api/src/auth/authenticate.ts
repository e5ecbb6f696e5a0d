import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, type RecordStore, StagefoldError } from "@stagefold/core";
import { markProven, networkOf } from "../connections.ts";
import { basePathOf } from "../http/base-path.ts";
import { forwardedAddress } from "../http/forwarded.ts";
import { ApiKeys } from "./api-keys.ts";
import { AuditLog } from "./audit.ts";
import type { Oidc } from "./oidc.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import type { Principal } from "./principal.ts";
import { RateLimit } from "./rate-limit.ts";
import { Sessions } from "./sessions.ts";

export interface AuthOptions {
  /** Whether API keys are taken. */
  readonly keys: boolean;
  /** Made by the program that starts the API, which loads what it needs only then. */
  readonly oidc?: Oidc | undefined;
  /** Requests a minute of one key, and of one address; no limit when left out. */
  readonly ratePerMinute?: number | undefined;
  /** What browsers see behind a proxy: cookies are for https alone where it is. */
  readonly publicUrl?: URL | undefined;
  /** How many proxies stand before the API; one unless said otherwise. */
  readonly proxyHops?: number | undefined;
}

export interface AuthDeps {
  readonly records: RecordStore;
  readonly clock: Clock;
  /** Called with what fails beside a request, such as a look at the keys of open streams. */
  readonly onError: (error: unknown) => void;
}

/** Everything about who asks, for an API that asks: one for its life. */
export class Auth {
  readonly options: AuthOptions;
  readonly keys: ApiKeys;
  readonly sessions: Sessions;
  readonly audit: AuditLog;
  readonly oidc: Oidc | undefined;
  readonly open: OpenExchanges;
  readonly #limit: RateLimit | undefined;

  constructor(options: AuthOptions, { records, clock, onError }: AuthDeps) {
    this.options = options;
    this.keys = new ApiKeys(records, clock);
    this.sessions = new Sessions(records, clock, this.keys);
    this.audit = new AuditLog(records, clock);
    this.oidc = options.oidc;
    this.#limit = options.ratePerMinute === undefined ? undefined : new RateLimit(options.ratePerMinute);
    const isValid = async (principal: Principal) =>
      (await this.keys.vouchFor(principal)) &&
      (principal.session_id === undefined || (await this.sessions.isValid(principal.session_id)));
    this.open = new OpenExchanges(isValid, onError, () => clock.now());
    this.keys.onRevoked((key_id) => this.open.endOf({ key_id }));
    this.sessions.onEnded((session_id) => this.open.endOf({ session_id }));
  }

  /** The two cookies. A `__Host-` cookie is for https, this very host and all of its paths. */
  get cookies(): {
    readonly session: string;
    readonly signIn: string;
    readonly secure: boolean;
    readonly path: string;
  } {
    const { publicUrl } = this.options;
    const secure = publicUrl?.protocol === "https:";
    const base = basePathOf(publicUrl);
    const prefix = secure ? (base === "" ? "__Host-" : "__Secure-") : "";
    const path = base === "" ? "/" : base;
    return { session: `${prefix}stagefold_session`, signIn: `${prefix}stagefold_sign_in`, secure, path };
  }

  /**
   * Who makes a request, which counts against its limits; its answer ends with its credentials.
   * Errors: UNAUTHENTICATED, RATE_LIMITED, STORE_UNAVAILABLE.
   */
  async admit(req: IncomingMessage, res: ServerResponse): Promise<Principal> {
    // By address first: guessing keys is limited too.
    this.limitAddress(req);
    const principal = await this.#principalOf(req);
    this.#limit?.take(principal.key_id ?? principal.id);
    this.open.add(principal, res);
    markProven(req.socket);
    return principal;
  }

  /** Counts a request against the limit of its address, or its network of IPv6. Errors: RATE_LIMITED. */
  limitAddress(req: IncomingMessage): void {
    this.#limit?.take(`address ${networkOf(this.addressOf(req))}`);
  }

  /** The caller's address: what the proxy says where there is one, else that of the connection. */
  addressOf(req: IncomingMessage): string {
    const { publicUrl, proxyHops = 1 } = this.options;
    const told = publicUrl && forwardedAddress(req, proxyHops);
    return told ?? req.socket.remoteAddress ?? "unknown";
  }

  async #principalOf(req: IncomingMessage): Promise<Principal> {
    const bearer = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? "")?.[1];
    if (bearer !== undefined) {
      const principal = await this.#verify(bearer);
      if (principal) return principal;
      throw new StagefoldError(
        "UNAUTHENTICATED",
        "The credentials are not valid, or not valid any more.",
        {},
      );
    }
    if (req.headers.authorization !== undefined)
      throw new StagefoldError("UNAUTHENTICATED", "Expected Authorization: Bearer <key or token>.", {});
    const cookie = cookieOf(req, this.cookies.session);
    const principal = cookie === undefined ? undefined : await this.sessions.principalOf(cookie);
    if (!principal)
      throw new StagefoldError(
        "UNAUTHENTICATED",
        "Say who you are: send Authorization: Bearer <key>, or sign in on the page.",
        {},
      );
    // A page of another site can make a browser send its cookie, but it cannot fake where the request comes from.
    if (!["GET", "HEAD"].includes(req.method ?? "") && !isSameOrigin(req))
      throw new StagefoldError("FORBIDDEN", "A cookie is good for requests of the dashboard alone.", {});
    return principal;
  }

  async #verify(bearer: string): Promise<Principal | undefined> {
    if (bearer.startsWith("sf_")) return this.options.keys ? await this.keys.verify(bearer) : undefined;
    return this.oidc && bearer.split(".").length === 3 ? await this.oidc.verifyBearer(bearer) : undefined;
  }
}

/** The value of a cookie. */
export function cookieOf(req: IncomingMessage, name: string): string | undefined {
  for (const part of (req.headers.cookie ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** `Origin` was held against the host before; here it must be there, or the browser must vouch for the request. */
function isSameOrigin(req: IncomingMessage): boolean {
  return req.headers.origin !== undefined || req.headers["sec-fetch-site"] === "same-origin";
}
