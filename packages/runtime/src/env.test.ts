import { describe, expect, it } from "vitest";
import { EnvError, parseEnv, parseRoleRules } from "./env.ts";

const messageOf = (source: Record<string, string>) => {
  try {
    parseEnv(source);
  } catch (error) {
    if (error instanceof EnvError) return error.message;
    throw error;
  }
  return "accepted";
};

describe("the settings", () => {
  it("have defaults, and leave the rest of the environment alone", () => {
    expect(parseEnv({ PATH: "/bin", AWS_REGION: "x" })).toMatchObject({
      host: "127.0.0.1",
      port: 4000,
      url: "http://127.0.0.1:4000",
      dataDir: ".stagefold",
      table: "AgentProjects",
      store: "sqlite",
      sqliteSync: "normal",
      dynamodbEndpoint: undefined,
      recordsTable: "StagefoldRecords",
      files: ".stagefold/files",
      stopSeconds: 5,
      workerConcurrency: 4,
      leaseSeconds: 60,
      drainSeconds: 30,
      logLevel: "info",
    });
  });

  it.each([
    [{ STAGEFOLD_PORT: "4321" }, "http://127.0.0.1:4321"],
    [{ STAGEFOLD_HOST: "::1", STAGEFOLD_PORT: "4321" }, "http://[::1]:4321"],
    [{ STAGEFOLD_HOST: "0.0.0.0", STAGEFOLD_PORT: "4321" }, "http://127.0.0.1:4321"],
    [{ STAGEFOLD_HOST: "::", STAGEFOLD_PORT: "4321" }, "http://[::1]:4321"],
    [{ STAGEFOLD_PORT: "0" }, "http://127.0.0.1:4000"],
    [{ STAGEFOLD_PORT: "4321", STAGEFOLD_URL: "https://builds.example" }, "https://builds.example"],
  ])("with %o look for the API at %s", (source, url) => {
    expect(parseEnv(source).url).toBe(url);
  });

  it.each([
    [{}, ""],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, ""],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, "traces metrics logs"],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector.example/v1/traces" }, "traces"],
    [{ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "https://collector.example/v1/logs" }, "logs"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_METRICS_EXPORTER: "none" }, "traces logs"],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_METRICS_EXPORTER: "prometheus,otlp" },
      "traces metrics logs",
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_SDK_DISABLED: "true" }, ""],
  ])("send with %o: %s", (source, sent) => {
    const { metricIntervalMs, ...signals } = parseEnv(source).signals;
    const names = Object.entries(signals).flatMap(([name, isSent]) => (isSent ? [name] : []));
    expect([names.join(" "), metricIntervalMs]).toEqual([sent, 60_000]);
  });

  it("refuse a collector that is no address, without showing it", () => {
    expect(messageOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" })).toBe(
      "OTEL_EXPORTER_OTLP_ENDPOINT must be an http:// or https:// address; it is something else (not shown).",
    );
    expect(messageOf({ OTEL_METRIC_EXPORT_INTERVAL: "1m" })).toBe(
      'OTEL_METRIC_EXPORT_INTERVAL must be a whole number of milliseconds; it is "1m".',
    );
  });

  it("name a bucket, with or without a prefix and an endpoint", () => {
    const bucketOf = (more: Record<string, string>) => parseEnv(more).bucket;
    expect(bucketOf({})).toBeUndefined();
    expect(bucketOf({ STAGEFOLD_FILES: "./files" })).toBeUndefined();
    expect(bucketOf({ STAGEFOLD_FILES: "s3://my.builds" })).toEqual({
      bucket: "my.builds",
      prefix: "",
      presigned: false,
    });
    expect(
      bucketOf({
        STAGEFOLD_FILES: "s3://builds/a/b/",
        STAGEFOLD_S3_ENDPOINT: "http://localhost:9000",
        STAGEFOLD_S3_DOWNLOADS: "presigned",
      }),
    ).toEqual({ bucket: "builds", prefix: "a/b", endpoint: "http://localhost:9000", presigned: true });
  });

  it("accept what stage commands get, and an empty value as none", () => {
    const stage = {
      STAGEFOLD_PROJECT_ID: "p",
      STAGEFOLD_REQUIREMENT: "r",
      STAGEFOLD_INPUT: "{}",
      STAGEFOLD_STAGE: "s",
      STAGEFOLD_ATTEMPT: "1",
    };
    expect(parseEnv({ ...stage, STAGEFOLD_PORT: "" }).port).toBe(4000);
  });

  it.each([
    [{ STAGEFOLD_PROT: "1" }, "STAGEFOLD_PROT is not a setting of Stagefold. Did you mean STAGEFOLD_PORT?"],
    [{ STAGEFOLD_LEASESECONDS: "1" }, "Did you mean STAGEFOLD_LEASE_SECONDS?"],
    [{ STAGEFOLD_COLOUR: "1" }, "Known names are STAGEFOLD_HOST"],
    [{ STAGEFOLD_PORT: "80x" }, 'STAGEFOLD_PORT must be a whole number from 0 to 65535; it is "80x".'],
    [{ STAGEFOLD_PORT: "70000" }, "STAGEFOLD_PORT must be a whole number from 0 to 65535"],
    [{ STAGEFOLD_LEASE_SECONDS: "1" }, "STAGEFOLD_LEASE_SECONDS must be a whole number from 2 to 3600"],
    [{ STAGEFOLD_STORE: "postgres" }, 'STAGEFOLD_STORE must be sqlite or dynamodb; it is "postgres".'],
    [{ STAGEFOLD_DYNAMODB_ENDPOINT: "http://localhost:8000" }, "needs STAGEFOLD_STORE=dynamodb"],
    [{ STAGEFOLD_URL: "ftp://x" }, "STAGEFOLD_URL must be an http:// or https:// address"],
    [{ STAGEFOLD_FILES: "s3:/bucket" }, "s3://bucket/prefix with the name of a bucket"],
    [{ STAGEFOLD_FILES: "s3://b/../c" }, "s3://bucket/prefix with the name of a bucket"],
    [{ STAGEFOLD_S3_ENDPOINT: "http://localhost:9000" }, "needs STAGEFOLD_FILES=s3://bucket/prefix"],
    [{ STAGEFOLD_S3_DOWNLOADS: "presigned" }, "needs STAGEFOLD_FILES=s3://bucket/prefix"],
    [
      { STAGEFOLD_SMTP_URL: "http://mail", STAGEFOLD_MAIL_FROM: "a@b.example" },
      "an smtp:// or smtps:// address",
    ],
    [{ STAGEFOLD_SMTP_URL: "smtp://mail" }, "STAGEFOLD_SMTP_URL needs STAGEFOLD_MAIL_FROM."],
    [
      { STAGEFOLD_SMTP_URL: "smtp://mail", STAGEFOLD_MAIL_FROM: "ops" },
      "STAGEFOLD_MAIL_FROM must be an address",
    ],
    [{ STAGEFOLD_RETENTION_DAYS: "0" }, "STAGEFOLD_RETENTION_DAYS must be a whole number from 1 to 36500"],
    [
      { STAGEFOLD_DYNAMODB: "aws" },
      "STAGEFOLD_DYNAMODB is no setting any more. Set STAGEFOLD_STORE=dynamodb",
    ],
    [{ STAGEFOLD_DYNAMODB: "embedded" }, "STAGEFOLD_DYNAMODB is no setting any more"],
    [{ STAGEFOLD_ENGINE: "auto" }, "STAGEFOLD_ENGINE is no setting any more. The embedded store is SQLite"],
    [{ STAGEFOLD_DYNOXIDE: "/bin/x" }, "STAGEFOLD_DYNOXIDE is no setting any more"],
    [{ STAGEFOLD_LOG_LEVEL: "loud" }, "STAGEFOLD_LOG_LEVEL must be fatal, error"],
    [{ STAGEFOLD_TABLE: "a b" }, "STAGEFOLD_TABLE must be 3 to 255 of"],
  ])("with %o say what is wrong", (source, sentence) => {
    expect(messageOf(source)).toContain(sentence);
  });

  it("A9: never print a value that may hold a password", () => {
    for (const name of [
      "STAGEFOLD_URL",
      "STAGEFOLD_PUBLIC_URL",
      "STAGEFOLD_KEY",
      "STAGEFOLD_OIDC_CLIENT_SECRET",
      "STAGEFOLD_SMTP_URL",
    ])
      expect(messageOf({ [name]: "ftp://me:hunter2@x" })).not.toContain("hunter2");
    expect(
      messageOf({ STAGEFOLD_STORE: "dynamodb", STAGEFOLD_DYNAMODB_ENDPOINT: "me:hunter2@x" }),
    ).not.toContain("hunter2");
  });
});

describe("rules of roles", () => {
  it("are read, and a malformed one is refused", () => {
    expect(parseRoleRules("groups:a b=admin, *=viewer")).toEqual([
      { claim: "groups", value: "a b", role: "admin" },
      { claim: "sub", value: "*", role: "viewer" },
    ]);
    for (const wrong of ["", "groups=admin", "groups:a", "groups:a=root", "*=viewer,,"])
      expect([wrong, parseRoleRules(wrong)]).toEqual([wrong, undefined]);
  });
});

describe("who may ask", () => {
  const oidc = {
    STAGEFOLD_AUTH: "keys,oidc",
    STAGEFOLD_OIDC_ISSUER: "https://id.example",
    STAGEFOLD_OIDC_CLIENT_ID: "stagefold",
    STAGEFOLD_OIDC_ROLES: "*=viewer",
  };

  it("is nobody's question unless set", () => {
    expect(parseEnv({}).auth).toBeUndefined();
    expect(parseEnv({ STAGEFOLD_AUTH: "none" }).auth).toBeUndefined();
  });

  it("is asked by keys, a provider or both", () => {
    expect(parseEnv({ STAGEFOLD_AUTH: "keys" }).auth).toEqual({ keys: true, ratePerMinute: 6000 });
    expect(parseEnv({ ...oidc, STAGEFOLD_RATE_LIMIT: "60" }).auth).toEqual({
      keys: true,
      oidc: {
        issuer: "https://id.example",
        clientId: "stagefold",
        userClaim: "sub",
        roles: [{ claim: "sub", value: "*", role: "viewer" }],
      },
      ratePerMinute: 60,
    });
    const byEmail = parseEnv({ ...oidc, STAGEFOLD_OIDC_USER_CLAIM: "email" }).auth;
    expect(byEmail?.oidc?.userClaim).toBe("email");
  });

  it("names what is missing or malformed, and shows no secret", () => {
    expect(messageOf({ STAGEFOLD_AUTH: "password" })).toContain(
      "STAGEFOLD_AUTH must be none, keys, oidc or keys,oidc",
    );
    for (const name of ["STAGEFOLD_OIDC_ISSUER", "STAGEFOLD_OIDC_CLIENT_ID", "STAGEFOLD_OIDC_ROLES"])
      expect(messageOf({ ...oidc, [name]: "" })).toContain(`needs ${name}`);
    expect(messageOf({ ...oidc, STAGEFOLD_OIDC_ROLES: "admins" })).toContain("STAGEFOLD_OIDC_ROLES must be");
    expect(messageOf({ STAGEFOLD_KEY: "secret" })).not.toContain('"secret"');
  });
});

describe("the model", () => {
  it("is none unless set, whatever keys are in the environment", () => {
    expect(parseEnv({ ANTHROPIC_API_KEY: "k" }).model).toBeUndefined();
  });

  it("has the key of its own provider alone", () => {
    const keys = { ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o", AWS_REGION: "eu-west-1" };
    expect(parseEnv({ ...keys, STAGEFOLD_MODEL: "anthropic:claude-sonnet-4-5" }).model).toEqual({
      provider: "anthropic",
      model: "claude-sonnet-4-5",
      apiKey: "a",
    });
    const url = "http://127.0.0.1:11434/v1";
    expect(
      parseEnv({ ...keys, STAGEFOLD_MODEL: "openai-compatible:qwen3:8b", STAGEFOLD_MODEL_URL: url }).model,
    ).toEqual({ provider: "openai-compatible", model: "qwen3:8b", url, apiKey: "o" });
    expect(parseEnv({ ...keys, STAGEFOLD_MODEL: "bedrock:eu.amazon.nova-pro-v1:0" }).model).toEqual({
      provider: "bedrock",
      model: "eu.amazon.nova-pro-v1:0",
      aws: { region: "eu-west-1" },
    });
  });

  it("answers eight at a time unless said otherwise", () => {
    expect(parseEnv({})).toMatchObject({ agentConcurrency: 8, sessionDays: undefined });
    expect(parseEnv({ STAGEFOLD_AGENT_CONCURRENCY: "2", STAGEFOLD_SESSION_DAYS: "30" })).toMatchObject({
      agentConcurrency: 2,
      sessionDays: 30,
    });
    expect(messageOf({ STAGEFOLD_AGENT_CONCURRENCY: "0" })).toContain("a whole number from 1 to 1000");
  });

  it("names what is missing or malformed", () => {
    expect(messageOf({ STAGEFOLD_MODEL: "gpt-5" })).toContain("STAGEFOLD_MODEL must be anthropic:<model>");
    expect(messageOf({ STAGEFOLD_MODEL: "anthropic:x" })).toContain("needs ANTHROPIC_API_KEY");
    expect(messageOf({ STAGEFOLD_MODEL: "openai-compatible:x" })).toContain("needs STAGEFOLD_MODEL_URL");
    expect(messageOf({ STAGEFOLD_MODEL: "bedrock:x" })).toContain("needs AWS_REGION");
  });
});
