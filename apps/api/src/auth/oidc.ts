import { createHash, randomBytes } from "node:crypto";
import { type Clock, type RecordStore, type Role, StagefoldError, userIdSchema } from "@stagefold/core";
import type { OidcSettings } from "@stagefold/runtime/env";
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import * as client from "openid-client";
import { z } from "zod";
import type { Principal } from "./principal.ts";

/** What signed tokens may use: never `none`, never a shared secret. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/** What the clocks of provider and API may differ by, in seconds. */
const CLOCK_TOLERANCE = 30;
/** What a person gets to sign in. */
const SIGN_IN_MS = 10 * 60_000;
/** Later ones have more rights: who has several roles has the last. */
const BY_RIGHTS: readonly Role[] = ["viewer", "runner", "member", "operator", "admin"];

const signInSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  return_to: z.string(),
  ends_at: z.number(),
});

/** An OpenID provider: bearer tokens by its keys, and sign-in by code and PKCE. */
export class Oidc {
  readonly #settings: OidcSettings;
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #onRefused: (reason: string) => void;
  #found:
    | Promise<{ configuration: client.Configuration; keys: ReturnType<typeof createRemoteJWKSet> }>
    | undefined;

  /** `onRefused` is told, for the operator, why a user whom the provider knows has no user id here. */
  constructor(
    settings: OidcSettings,
    records: RecordStore,
    clock: Clock,
    onRefused: (reason: string) => void = () => undefined,
  ) {
    this.#settings = settings;
    this.#records = records;
    this.#clock = clock;
    this.#onRefused = onRefused;
  }

  /**
   * Who bears the token; undefined when it is not one of this provider for us. Errors: STORE_UNAVAILABLE, UNAUTHENTICATED
   * for a user without an id.
   */
  async verifyBearer(token: string): Promise<Principal | undefined> {
    const { keys } = await this.#discovered();
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: this.#settings.issuer,
        audience: this.#settings.audience ?? this.#settings.clientId,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ["exp", "sub"],
      });
      return this.#principalOf(payload);
    } catch (error) {
      if (error instanceof StagefoldError) throw error;
      // The base class itself says that the keys could not be fetched; what is wrong with a token has a class of its own.
      if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid)
        throw unreachable(error);
      if (error instanceof Error && error.constructor === errors.JOSEError) throw unreachable(error);
      if (error instanceof errors.JOSEError) return undefined;
      throw unreachable(error);
    }
  }

  /** Where to send a browser, and the cookie that ties its return to it. `returnTo` is a path of the dashboard. */
  async beginSignIn(redirectUri: string, returnTo: string): Promise<{ url: URL; cookie: string }> {
    const { configuration } = await this.#discovered();
    const cookie = randomBytes(32).toString("base64url");
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const ends_at = this.#clock.now() + SIGN_IN_MS;
    const key = keyOf(cookie);
    await this.#records.write({
      ...key,
      kind: "put",
      guards: [],
      item: {
        ...key,
        state,
        nonce,
        verifier,
        return_to: returnTo,
        ends_at,
        expires_at: Math.ceil(ends_at / 1000),
      },
    });
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: "openid profile email",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
    return { url, cookie };
  }

  /** The browser is back. Each sign-in is good for one return. Errors: UNAUTHENTICATED. */
  async finishSignIn(current: URL, cookie: string): Promise<{ principal: Principal; returnTo: string }> {
    const key = keyOf(cookie);
    const written = await this.#records.write({ ...key, kind: "delete", guards: [] });
    const begun = written.ok ? signInSchema.safeParse(written.item).data : undefined;
    if (!begun || begun.ends_at < this.#clock.now())
      throw unauthenticated("This sign-in took too long or was finished before: start again.");
    const { configuration } = await this.#discovered();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, current, {
        pkceCodeVerifier: begun.verifier,
        expectedState: begun.state,
        expectedNonce: begun.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (!claims) throw unauthenticated("The provider sent no ID token.");
      // The session lives by itself: the ID token's own expiry is that of the proof, a few minutes.
      const { exp: _exp, ...lasting } = claims;
      const principal = this.#principalOf(lasting);
      if (!principal) throw unauthenticated("Your account has no role here: ask an administrator.");
      return { principal, returnTo: begun.return_to };
    } catch (error) {
      if (error instanceof StagefoldError) throw error;
      throw unauthenticated("The provider did not confirm this sign-in.", error);
    }
  }

  #discovered() {
    // A provider that cannot be reached is asked again by the next request.
    this.#found ??= this.#discover().catch((error: unknown) => {
      this.#found = undefined;
      throw unreachable(error);
    });
    return this.#found;
  }

  async #discover() {
    const { issuer, clientId, clientSecret } = this.#settings;
    const server = new URL(issuer);
    const authentication = clientSecret === undefined ? client.None() : client.ClientSecretPost(clientSecret);
    const isLocal =
      server.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(server.hostname);
    const configuration = await client.discovery(server, clientId, undefined, authentication, {
      execute: isLocal ? [client.allowInsecureRequests] : [],
    });
    const { jwks_uri } = configuration.serverMetadata();
    if (jwks_uri === undefined) throw new Error("the provider names no jwks_uri");
    return { configuration, keys: createRemoteJWKSet(new URL(jwks_uri)) };
  }

  /** Undefined for one without a role. Errors: UNAUTHENTICATED for one whose tokens lack the user's claim. */
  #principalOf(claims: JWTPayload): Principal | undefined {
    const roles = this.#settings.roles
      .filter(({ claim, value }) => value === "*" || valuesOf(claims[claim]).includes(value))
      .map(({ role }) => role);
    const role = BY_RIGHTS.findLast((one) => roles.includes(one));
    if (role === undefined) return undefined;
    const userId = this.#userIdOf(claims);
    const shown = [claims.name, claims.preferred_username, claims.email].map(textOf);
    return {
      kind: "user",
      id: `user:${userId}`,
      name: shown.find((name) => name !== undefined) ?? userId,
      role,
      user_id: userId,
      ...(claims.exp !== undefined && { expires_at: claims.exp * 1000 }),
    };
  }

  /**
   * The one with the id has the builds, so it is the claim that no user can change and no provider gives away again: `sub`,
   * unless the installation vouches for another one.
   */
  #userIdOf(claims: JWTPayload): string {
    const { userClaim } = this.#settings;
    const userId = textOf(claims[userClaim]);
    const isProven = userClaim !== "email" || claims.email_verified === true;
    if (userId !== undefined && isProven) return userId;
    const lacks = userId === undefined ? `no usable claim ${userClaim}` : "an email that is not verified";
    const reason = `The provider's token of ${claims.sub} has ${lacks}: STAGEFOLD_OIDC_USER_CLAIM is ${userClaim}.`;
    this.#onRefused(reason);
    throw unauthenticated(reason);
  }
}

function valuesOf(claim: unknown): unknown[] {
  return Array.isArray(claim) ? claim : typeof claim === "string" ? claim.split(" ") : [claim];
}

/** What can be a user's id or name here. */
function textOf(claim: unknown): string | undefined {
  return userIdSchema.safeParse(claim).data;
}

function keyOf(cookie: string) {
  return { pk: `signin#${createHash("sha256").update(cookie).digest("hex")}`, sk: "signin" };
}

function unauthenticated(message: string, cause?: unknown) {
  return new StagefoldError("UNAUTHENTICATED", message, {}, { cause });
}

function unreachable(cause: unknown) {
  const message = "The identity provider does not answer.";
  return new StagefoldError("STORE_UNAVAILABLE", message, { retry_after: 5 }, { cause });
}
