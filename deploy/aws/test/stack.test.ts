import type { Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { createApp } from "../src/app.ts";
import core from "../src/core.json" with { type: "json" };
import { parametersSchema, readParameters } from "../src/parameters.ts";

const EXAMPLE = new URL("../parameters.example.json", import.meta.url).pathname;
const NEEDED = {
  publicUrl: "https://builds.example.org",
  certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/x",
  imageTag: "0.3.0",
};
const OTHER = parametersSchema.parse({
  ...NEEDED,
  architecture: "arm64",
  natGateways: 0,
  workersOnSpot: false,
  minWorkers: 0,
  stageSecrets: "/stagefold/stages/",
  secrets: { ANTHROPIC_API_KEY: "secret:stagefold/anthropic" },
  bedrockModels: ["arn:aws:bedrock:*::foundation-model/*"],
  allowFrom: ["10.0.0.0/8"],
});
const INSTALLATIONS = { example: readParameters(EXAMPLE), other: OTHER };

function synthesise(name: keyof typeof INSTALLATIONS) {
  const { stack } = createApp(INSTALLATIONS[name]);
  return { stack, template: Template.fromStack(stack) };
}

// Once each: it takes seconds.
const MADE = { example: synthesise("example"), other: synthesise("other") };

/** Of the stack, what cdk-nag finds and no suppression has acknowledged. */
function findings(stack: Stack): string[] {
  const { violations } = new AwsSolutionsChecks().validateScope(stack);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName}: ${constructPath}`),
  );
}

describe.each(["example", "other"] as const)("the installation of the parameters %s", (name) => {
  it("is what it was", async () => {
    const { template } = MADE[name];
    // The hash of the function's files changes with each edit of a comment.
    const text = JSON.stringify(template.toJSON(), null, 2).replace(/[0-9a-f]{64}\.zip/g, "<hash>.zip");
    await expect(`${text}\n`).toMatchFileSnapshot(`snapshots/${name}.snap`);
  });

  it("passes the checks of cdk-nag", () => {
    expect(findings(MADE[name].stack)).toEqual([]);
  });
});

it("cdk-nag finds what is wrong in what it is given: no finding is not the absence of a check", () => {
  const { stack } = createApp(OTHER);
  new Bucket(stack, "Open");
  expect(findings(stack)).toEqual([
    "AwsSolutions-S1: Stagefold/Open/Resource",
    "AwsSolutions-S10: Stagefold/Open/Resource",
  ]);
});

describe("the installation", () => {
  const { template } = MADE.example;
  const all = (type: string) =>
    Object.values(template.findResources(type)).map(({ Properties }) => Properties);

  it("has the tables of core, with recovery and expiry", () => {
    for (const { expires_by, ...definition } of [
      { ...core.tables.projects, expires_by: undefined },
      core.tables.records,
    ])
      template.hasResourceProperties("AWS::DynamoDB::Table", {
        ...definition,
        BillingMode: "PAY_PER_REQUEST",
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        TimeToLiveSpecification:
          expires_by === undefined ? Match.absent() : { AttributeName: expires_by, Enabled: true },
      });
    template.resourceCountIs("AWS::DynamoDB::Table", 2);
  });

  it("gives a stopped worker longer than its drain, and streams longer than their silence", () => {
    const tasks = all("AWS::ECS::TaskDefinition").flatMap(({ ContainerDefinitions }) => ContainerDefinitions);
    const worker = tasks.find(({ Name }) => Name === "worker");
    const settings = Object.fromEntries(worker.Environment.map(({ Name, Value }: never) => [Name, Value]));
    expect(worker.StopTimeout).toBeGreaterThan(Number(settings.STAGEFOLD_DRAIN_SECONDS) + 5);
    expect(tasks.map(({ ReadonlyRootFilesystem }) => ReadonlyRootFilesystem)).toEqual([true, true]);
    const [balancer] = all("AWS::ElasticLoadBalancingV2::LoadBalancer");
    const idle = balancer.LoadBalancerAttributes.find(
      ({ Key }: { Key: string }) => Key === "idle_timeout.timeout_seconds",
    );
    expect(Number(idle.Value)).toBeGreaterThan(10);
  });

  it("lets the load balancer alone reach the API, and nothing the workers", () => {
    const groups = template.findResources("AWS::EC2::SecurityGroup");
    const open = Object.values(groups).filter(
      ({ Properties }) => Properties.SecurityGroupIngress !== undefined,
    );
    expect(open.map(({ Properties }) => Properties.GroupDescription)).toEqual(["Load balancer of Stagefold"]);
    expect(all("AWS::EC2::SecurityGroupIngress").map(({ FromPort }) => FromPort)).toEqual([4000]);
  });

  it("has no secret in an environment, and none in the template", () => {
    const tasks = all("AWS::ECS::TaskDefinition").flatMap(({ ContainerDefinitions }) => ContainerDefinitions);
    for (const { Environment, Secrets } of tasks) {
      expect(Secrets.map(({ Name }: { Name: string }) => Name)).toEqual(["STAGEFOLD_OIDC_CLIENT_SECRET"]);
      expect(Environment.map(({ Name }: { Name: string }) => Name)).not.toContain(
        "STAGEFOLD_OIDC_CLIENT_SECRET",
      );
    }
  });

  it("scales workers of one slot by steps that are not empty", () => {
    const { stack } = createApp(parametersSchema.parse({ ...NEEDED, workerConcurrency: 1, minWorkers: 1 }));
    const policies = Object.values(
      Template.fromStack(stack).findResources("AWS::ApplicationAutoScaling::ScalingPolicy"),
    );
    const steps = policies.flatMap(
      ({ Properties }) => Properties.StepScalingPolicyConfiguration.StepAdjustments,
    );
    expect(steps.length).toBeGreaterThan(3);
    for (const { MetricIntervalLowerBound: lower, MetricIntervalUpperBound: upper } of steps)
      expect(lower ?? Number.NEGATIVE_INFINITY).toBeLessThan(upper ?? Number.POSITIVE_INFINITY);
  });

  it("notices a meter that is silent, and takes no concurrency from the account", () => {
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "Due",
      ComparisonOperator: "LessThanThreshold",
      Threshold: 0,
      TreatMissingData: "breaching",
    });
    for (const { ReservedConcurrentExecutions } of all("AWS::Lambda::Function"))
      expect(ReservedConcurrentExecutions).toBeUndefined();
  });

  it("refuses parameters that are unknown, or that cannot be", () => {
    const wrong = [
      { workers: 3 },
      { publicUrl: "http://x.example" },
      { drainSeconds: 119 },
      { minWorkers: -1 },
    ];
    for (const more of wrong) expect(parametersSchema.safeParse({ ...NEEDED, ...more }).success).toBe(false);
  });
});
