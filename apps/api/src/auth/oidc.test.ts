import { once } from "node:events";
import { createServer } from "node:http";
import { MemoryRecordStore } from "@stagefold/core";
import { parseRoleRules } from "@stagefold/runtime/env";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import Provider from "oidc-provider";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { memoryDeps } from "../../test/fixture.ts";
import { post, serve } from "../../test/serve.ts";
import { Auth, type AuthOptions } from "./authenticate.ts";
import { Oidc } from "./oidc.ts";

const AUDIENCE = "https://builds.example.org";
const ROLES = "groups:platform=admin,groups:dev=member,sub:stagefold=runner";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A real provider on a free port, and an API that trusts it. People are in the group that their name ends with. */
async function aProvidedApi(options: Partial<AuthOptions> = {}, userClaim = "sub") {
  let answer: ReturnType<Provider["callback"]> | undefined;
  const server = createServer((req, res) => void answer?.(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  const issuer = `http://127.0.0.1:${address.port}`;

  const records = new MemoryRecordStore();
  const deps = memoryDeps();
  deps.clock.set(new Date().toISOString());
  const onError = (error: unknown) => expect.unreachable(String(error));
  const roles = parseRoleRules(ROLES) ?? [];
  const client = { clientId: "stagefold", clientSecret: "hush" };
  const settings = { issuer, ...client, audience: AUDIENCE, userClaim, roles };
  const refused: string[] = [];
  const oidc = new Oidc(settings, records, deps.clock, (reason) => refused.push(reason));
  const auth = new Auth({ keys: false, oidc, ...options }, { records, clock: deps.clock, onError });
  const api = await serve({ ...deps, auth });
  closers.push(() => api.close());

  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "stagefold",
        client_secret: "hush",
        redirect_uris: [`${api.url}/auth/callback`],
        grant_types: ["authorization_code", "client_credentials"],
        token_endpoint_auth_method: "client_secret_post",
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: "k1", alg: "RS256", use: "sig" }] },
    cookies: { keys: ["test"] },
    conformIdTokenClaims: false,
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username", "groups"],
      email: ["email", "email_verified"],
    },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: `Name of ${id}`,
        preferred_username: `nick of ${id}`,
        groups: [id.split("-").at(-1) ?? ""],
        email: "ada@example.org",
        email_verified: id.startsWith("ada"),
      }),
    }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: "", audience: AUDIENCE, accessTokenFormat: "jwt" }),
      },
    },
  });
  const callback = provider.callback();
  let brokenKeys: string | undefined;
  answer = (req, res) => {
    if (brokenKeys === undefined || req.url !== "/jwks") return callback(req, res);
    res.writeHead(brokenKeys === "" ? 500 : 200, { "content-type": "application/json" }).end(brokenKeys);
    return Promise.resolve();
  };
  /** The provider answers the question for its keys with this from now on; nothing: status 500. */
  const breakKeys = (body: string) => {
    brokenKeys = body;
  };
  return { ...api, issuer, privateKey, deps, breakKeys, refused };
}

/** A browser as far as a sign-in needs one: cookies by origin, redirects, and the provider's two forms. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** Goes where the address leads, as `user`; answers with the address at which it stopped and its status. */
  async signIn(address: string, user: string): Promise<{ url: string; status: number; text: string }> {
    let url = address;
    let form: URLSearchParams | undefined;
    for (let hops = 0; hops < 20; hops++) {
      const response = await this.fetch(url, form ? { method: "POST", body: form } : {});
      form = undefined;
      const to = response.headers.get("location");
      if (to !== null) {
        url = new URL(to, url).href;
        continue;
      }
      const text = await response.text();
      if (!url.includes("/interaction/")) return { url, status: response.status, text };
      form = text.includes('value="consent"')
        ? new URLSearchParams({ prompt: "consent" })
        : new URLSearchParams({ prompt: "login", login: user, password: "any" });
      url = new URL(/action="([^"]+)"/.exec(text)?.[1] ?? "", url).href;
    }
    throw new Error(`the sign-in did not end: ${url}`);
  }

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...Object.fromEntries(new Headers(init.headers)), cookie };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }
}

describe("sign-in by an OpenID provider", () => {
  it("ends in a session of the role that the ID token's claims give", async () => {
    const { url } = await aProvidedApi();
    const browser = new Browser();
    const { url: stoppedAt } = await browser.signIn(
      `${url}/auth/sign-in?return_to=/builds%3Fa%3D1`,
      "ada-platform",
    );
    expect(stoppedAt).toBe(`${url}/builds?a=1`);
    const session = await browser.fetch(`${url}/trpc/session.get`);
    expect(await session.json()).toEqual({
      result: {
        data: {
          kind: "user",
          id: "user:ada-platform",
          name: "Name of ada-platform",
          role: "admin",
          user_id: "ada-platform",
        },
      },
    });
    const out = await browser.fetch(`${url}/auth/session`, { method: "DELETE", headers: { origin: url } });
    expect(out.status).toBe(200);
    expect((await browser.fetch(`${url}/trpc/session.get`)).status).toBe(401);
  });

  it("names a build's user by the subject, which no user can change, and shows the name", async () => {
    const { url } = await aProvidedApi();
    const browser = new Browser();
    await browser.signIn(`${url}/auth/sign-in`, "ada-dev");
    const made = post({ requirement: "x", stages: [{ stage: "one", stage_name: "One" }] });
    const headers = { "content-type": "application/json", origin: url };
    const answer = await browser.fetch(`${url}/trpc/projects.create`, { ...made, headers });
    expect(await answer.json()).toMatchObject({
      result: {
        data: { user_id: "ada-dev", user_name: "Name of ada-dev", created_by: "user:ada-dev" },
      },
    });
  });

  it("names users by another claim where that is set, by an email that was verified alone", async () => {
    const byName = await aProvidedApi({}, "preferred_username");
    const browser = new Browser();
    await browser.signIn(`${byName.url}/auth/sign-in`, "ada-dev");
    const session = await (await browser.fetch(`${byName.url}/trpc/session.get`)).json();
    expect(session).toMatchObject({
      result: { data: { user_id: "nick of ada-dev", name: "Name of ada-dev" } },
    });

    const byEmail = await aProvidedApi({}, "email");
    const verified = new Browser();
    await verified.signIn(`${byEmail.url}/auth/sign-in`, "ada-dev");
    const hers = await (await verified.fetch(`${byEmail.url}/trpc/session.get`)).json();
    expect(hers).toMatchObject({ result: { data: { user_id: "ada@example.org" } } });
    const { status, text } = await new Browser().signIn(`${byEmail.url}/auth/sign-in`, "eve-dev");
    expect([status, text]).toEqual([401, expect.stringContaining("not verified")]);
    expect(byEmail.refused).toEqual([expect.stringMatching(/of eve-dev has an email that is not verified/)]);
  });

  it("refuses who has no role, a return that nobody began, one of another browser, and a second use", async () => {
    const { url } = await aProvidedApi();
    expect((await new Browser().signIn(`${url}/auth/sign-in`, "eve-nobody")).status).toBe(401);
    expect((await fetch(`${url}/auth/callback?code=x&state=y`)).status).toBe(401);
    const browser = new Browser();
    const seen: string[] = [];
    const { fetch: own } = browser;
    browser.fetch = (address, init) => {
      seen.push(address);
      return own.call(browser, address, init);
    };
    await browser.signIn(`${url}/auth/sign-in`, "ada-dev");
    const callback = seen.find((address) => address.includes("/auth/callback")) ?? "";
    expect((await new Browser().fetch(callback)).status).toBe(401);
    expect((await browser.fetch(callback)).status).toBe(401);
  });

  it("that one address begins or ends too often is refused, and leaves no more records", async () => {
    const { url } = await aProvidedApi({ ratePerMinute: 1 });
    const begun = async (path: string) => (await fetch(`${url}/auth/${path}`, { redirect: "manual" })).status;
    const answers = [await begun("sign-in"), await begun("sign-in"), await begun("callback?code=x&state=y")];
    expect(answers).toEqual([303, 429, 429]);
  });

  it("leads nowhere but to a page of its own", async () => {
    const { url } = await aProvidedApi();
    for (const away of ["https://evil.example", "//evil.example", "/\\evil.example", "/x\r\nset-cookie: a"]) {
      const { url: stoppedAt } = await new Browser().signIn(
        `${url}/auth/sign-in?return_to=${encodeURIComponent(away)}`,
        "ada-dev",
      );
      expect(stoppedAt).toBe(`${url}/`);
    }
  });
});

describe("bearer tokens of an OpenID provider", () => {
  it("let a program in by its client credentials", async () => {
    const { url, issuer, call } = await aProvidedApi();
    const answer = await fetch(`${issuer}/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: "stagefold",
        client_secret: "hush",
        resource: AUDIENCE,
      }),
    });
    const { access_token } = z.object({ access_token: z.string() }).parse(await answer.json());
    const headers = { authorization: `Bearer ${access_token}` };
    expect((await call("/trpc/session.get", { headers })).body).toMatchObject({
      result: { data: { id: "user:stagefold", role: "runner" } },
    });
    const claim = post({ owner: "program" });
    expect(
      (
        await call("/trpc/work.claim", {
          ...claim,
          headers: { ...headers, "content-type": "application/json" },
        })
      ).status,
    ).toBe(200);
    const tampered = `${access_token.slice(0, -4)}AAAA`;
    expect(
      (await fetch(`${url}/trpc/session.get`, { headers: { authorization: `Bearer ${tampered}` } })).status,
    ).toBe(401);
  });

  it("are refused where they lack the claim that names users, with the reason", async () => {
    const { url, issuer, privateKey, deps, refused } = await aProvidedApi({}, "employee_id");
    const exp = Math.floor(deps.clock.now() / 1000) + 60;
    const sign = (claims: object) =>
      new SignJWT({ iss: issuer, aud: AUDIENCE, sub: "stagefold", exp, ...claims })
        .setProtectedHeader({ alg: "RS256", kid: "k1" })
        .sign(privateKey);
    const asked = async (claims: object) =>
      await fetch(`${url}/trpc/session.get`, { headers: { authorization: `Bearer ${await sign(claims)}` } });
    expect((await asked({ employee_id: "e1" })).status).toBe(200);
    for (const employee_id of [undefined, "", 7, "x".repeat(10_000)]) {
      const answer = await asked({ employee_id });
      expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining("employee_id")]);
    }
    expect(refused).toHaveLength(4);
  });

  it("are refused for another audience, issuer, key, algorithm or time", async () => {
    const { url, issuer, privateKey, deps } = await aProvidedApi();
    const other = await generateKeyPair("RS256");
    const now = Math.floor(deps.clock.now() / 1000);
    const good = { iss: issuer, aud: AUDIENCE, sub: "stagefold", exp: now + 60 };
    const status = async (claims: object, key = privateKey) => {
      const token = await new SignJWT({ ...claims })
        .setProtectedHeader({ alg: "RS256", kid: "k1" })
        .sign(key);
      return (await fetch(`${url}/trpc/session.get`, { headers: { authorization: `Bearer ${token}` } }))
        .status;
    };
    expect(await status(good)).toBe(200);
    expect(await status({ ...good, exp: now - 20 })).toBe(200);
    for (const wrong of [
      { ...good, aud: "https://elsewhere.example" },
      { ...good, iss: "https://elsewhere.example" },
      { ...good, exp: now - 60 },
      { ...good, exp: undefined },
      { ...good, sub: undefined },
      { ...good, sub: "somebody-without-a-role" },
      { ...good, nbf: now + 3600 },
    ])
      expect([wrong, await status(wrong)]).toEqual([wrong, 401]);
    expect(await status(good, other.privateKey)).toBe(401);
    const none = `${btoa(JSON.stringify({ alg: "none" }))}.${btoa(JSON.stringify(good))}.`;
    expect(
      (await fetch(`${url}/trpc/session.get`, { headers: { authorization: `Bearer ${none}` } })).status,
    ).toBe(401);
  });

  it.each([
    ["fails", ""],
    ["is no JSON", "<html>"],
    ["has no keys", "{}"],
  ])("are neither good nor bad while the provider's answer %s", async (_how, body) => {
    const { url, issuer, privateKey, deps, breakKeys } = await aProvidedApi();
    breakKeys(body);
    const claims = {
      iss: issuer,
      aud: AUDIENCE,
      sub: "stagefold",
      exp: Math.floor(deps.clock.now() / 1000) + 60,
    };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k1" }).sign(privateKey);
    const answer = await fetch(`${url}/trpc/session.get`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("STORE_UNAVAILABLE");
  });
});
