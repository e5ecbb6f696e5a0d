import { MemoryRecordStore } from "@stagefold/core";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { callerOf, memoryDeps } from "../../test/fixture.ts";
import { Program } from "../../test/program.ts";
import { post, query, serve } from "../../test/serve.ts";
import { ACCESS } from "../auth/access.ts";
import { Auth } from "../auth/authenticate.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const answerSchema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
const gate = { event: "waiting", stage: "one", question: "Publish?", answer_schema: answerSchema } as const;

/** API processes that ask who calls, on the same builds and records, and a build of ada's that waits. */
async function setUp(open: object = {}) {
  const records = new MemoryRecordStore();
  const deps = { ...memoryDeps(), records };
  const onError = (error: unknown) => expect.unreachable(String(error));
  const aProcess = async (ratePerMinute?: number) => {
    const auth = new Auth({ keys: true, ratePerMinute }, { records, clock: deps.clock, onError });
    const api = await serve({ ...deps, auth });
    closers.push(() => api.close());
    return { ...api, auth };
  };
  const first = await aProcess();
  const local = callerOf(deps);
  const program = await Program.begin(local, { user_id: "ada", project_name: "site" });
  await program.report({ ...gate, ...open });
  const { project_id } = program;
  const keyOf = async (name: string, role: "viewer" | "member" | "operator" | "runner" = "member") =>
    await first.auth.keys.create({ name, role, user_id: name }, "test");
  const ada = await keyOf("ada");
  const link = async (key: string, input: object = {}) =>
    await first.call("/trpc/projects.answerLink", {
      ...post({ project_id, ...input }),
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    });
  const tokenOf = async (input: object = {}) => {
    const { body } = await link(ada.key, input);
    const { url } = z.object({ result: z.object({ data: z.object({ url: z.string() }) }) }).parse(body)
      .result.data;
    expect(url).toMatch(/^\/answer#/);
    return url.slice("/answer#".length);
  };
  const ask = (token: string) => first.call("/answer/question", post({ token }));
  const answer = (token: string, value: unknown) => {
    // The audit log is in the order of time.
    deps.clock.pass(1);
    return first.call("/answer", post({ token, value }));
  };
  return { ...first, deps, local, program, project_id, ada, keyOf, link, tokenOf, ask, answer, aProcess };
}

const refusal = (code: string, more: object = {}) => ({
  error: { data: { stagefold: { code, ...more } } },
});

describe("an answer link", () => {
  it("shows its question and takes the answer of one who does not sign in, once", async () => {
    const { tokenOf, ask, answer, local, project_id, auth } = await setUp({ timeout_seconds: 3600 });
    const token = await tokenOf({ name: "Bo" });
    expect(await ask(token)).toMatchObject({
      status: 200,
      body: { state: "open", project_name: "site", question: "Publish?", answer_schema: answerSchema },
    });
    expect(await answer(token, { ok: "perhaps" })).toMatchObject({ body: refusal("INVALID_INPUT") });
    expect(await answer(token, { ok: true })).toMatchObject({
      status: 200,
      body: { state: "answered", by: "link:Bo", own: true },
    });
    const { revision } = await local.projects.get({ project_id });
    // A repeat is harmless; another answer is refused, with who gave the one that counts.
    expect(await answer(token, { ok: true })).toMatchObject({ status: 200, body: { own: true } });
    expect(await answer(token, { ok: false })).toMatchObject({
      status: 409,
      body: refusal("STAGE_CONFLICT", { actual: expect.stringMatching(/^answered by link:Bo at /) }),
    });
    expect((await local.projects.get({ project_id })).revision).toBe(revision);
    await Program.claim(local, project_id).then((next) => next.report({ event: "started", stage: "two" }));
    expect((await local.stages.get({ project_id, stage: "one" })).output_data).toMatchObject({
      answer: { ok: true },
      by: "link:Bo",
    });
    expect((await ask(token)).body).toMatchObject({ state: "answered", own: true });
    const rows = (await auth.audit.list(20)).items.filter(({ procedure }) => procedure.includes("answer"));
    expect(rows.map(({ by, role, procedure, result }) => [by, role, procedure, result])).toEqual([
      ["link:Bo", "link", "projects.answer", "STAGE_CONFLICT"],
      ["link:Bo", "link", "projects.answer", "ok"],
      ["link:Bo", "link", "projects.answer", "ok"],
      ["link:Bo", "link", "projects.answer", "INVALID_INPUT"],
      ["key:ada", "member", "projects.answerLink", "ok"],
    ]);
    expect(rows.every((row) => row.project_id === project_id && row.from !== undefined)).toBe(true);
  });

  it("is made by those alone who may answer themselves, and only while something is asked", async () => {
    const { link, keyOf, ada, local, project_id } = await setUp();
    for (const [name, role] of [
      ["bo", "member"],
      ["vi", "viewer"],
      ["run", "runner"],
    ] as const)
      expect(await link((await keyOf(name, role)).key)).toMatchObject({ body: refusal("FORBIDDEN") });
    expect((await link((await keyOf("op", "operator")).key)).status).toBe(200);
    expect(await link(ada.key, { stage: "two" })).toMatchObject({ body: refusal("STAGE_CONFLICT") });
    await local.projects.cancel({ project_id });
    expect(await link(ada.key)).toMatchObject({ body: refusal("STAGE_CONFLICT") });
  });

  it("is good for its question alone: not after a retry that asks anew, in other words or the same", async () => {
    const { tokenOf, ask, answer, local, project_id, deps } = await setUp();
    const token = await tokenOf();
    deps.clock.pass(5);
    await local.projects.cancel({ project_id });
    expect((await ask(token)).body).toMatchObject({ state: "over" });
    await local.projects.retry({ project_id });
    const again = await Program.claim(local, project_id);
    await again.report(gate);
    expect((await ask(token)).body).toMatchObject({ state: "over" });
    expect(await answer(token, { ok: true })).toMatchObject({ body: refusal("STAGE_CONFLICT") });
    expect(await local.projects.get({ project_id })).toMatchObject({ status: "waiting", run: 2 });
  });

  it("ends with the gate, with its maker's key, and after a month where the gate has no end", async () => {
    const timed = await setUp({ timeout_seconds: 60 });
    const short = await timed.tokenOf();
    timed.deps.clock.pass(61);
    expect((await timed.ask(short)).body).toMatchObject({ state: "over" });
    expect(await timed.answer(short, { ok: true })).toMatchObject({ body: refusal("STAGE_CONFLICT") });
    const endless = await setUp();
    const token = await endless.tokenOf();
    endless.deps.clock.pass(29 * 24 * 3600);
    expect((await endless.ask(token)).body).toMatchObject({ state: "open" });
    await endless.auth.keys.revoke(endless.ada.record.key_id);
    expect(await endless.ask(token)).toMatchObject({ status: 401 });
    expect(await endless.answer(token, { ok: true })).toMatchObject({ status: 401 });
    const third = await setUp();
    const old = await third.tokenOf();
    third.deps.clock.pass(31 * 24 * 3600);
    expect((await third.ask(old)).body).toMatchObject({ state: "over" });
  });

  it("that was changed anywhere, or signed elsewhere, opens nothing; one of another process of this API does", async () => {
    const { tokenOf, ask, answer, aProcess, local, project_id } = await setUp();
    const token = await tokenOf();
    const [text = "", signature = ""] = token.split(".");
    const other = await (await setUp()).tokenOf();
    const grant = JSON.parse(Buffer.from(text, "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...grant, stage: "two" })).toString("base64url");
    const flipped = (at: number) =>
      token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    const bad = [`${forged}.${signature}`, `${text}.`, text, "", ".", `${token}.x`, other, "x".repeat(5000)];
    for (let at = 0; at < token.length - 1; at += 7) bad.push(flipped(at));
    for (const one of bad) {
      expect(await ask(one)).toMatchObject({ status: 401, body: refusal("UNAUTHENTICATED") });
      expect((await answer(one, { ok: true })).status).toBe(401);
    }
    expect((await local.projects.get({ project_id })).status).toBe("waiting");
    const second = await aProcess();
    expect((await second.call("/answer", post({ token, value: { ok: true } }))).status).toBe(200);
  });

  it("does nothing on GET, is no credential for anything else, and cannot be guessed fast", async () => {
    const { tokenOf, call, local, project_id, aProcess } = await setUp();
    const token = await tokenOf();
    const given = encodeURIComponent(token);
    for (const path of [`/answer?token=${given}&value=true`, `/answer/question?token=${given}`, "/answer"])
      for (const method of ["GET", "PUT", "DELETE"])
        expect((await call(path, { method })).status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
    const headers = { authorization: `Bearer ${token}` };
    for (const path of Object.keys(ACCESS))
      expect((await call(`/trpc/${path}${query({ project_id })}`, { headers })).status, path).toBe(401);
    for (const path of [`/v1/projects/${project_id}`, `/artifacts/${project_id}/a`, "/metrics"])
      expect((await call(path, { headers })).status, path).toBe(401);
    expect((await local.projects.get({ project_id })).status).toBe("waiting");
    const limited = await aProcess(100);
    const answers = [];
    for (let n = 0; n < 12; n++)
      answers.push((await limited.call("/answer/question", post({ token: "x.y" }))).status);
    expect(answers.slice(-2)).toEqual([429, 429]);
  });
});
