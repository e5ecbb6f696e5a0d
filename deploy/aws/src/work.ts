import { join } from "node:path";
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AdjustmentType } from "aws-cdk-lib/aws-applicationautoscaling";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Code, Function as Lambda, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import core from "./core.json" with { type: "json" };
import type { Parameters } from "./parameters.ts";
import type { Part } from "./services.ts";
import type { Tables } from "./tables.ts";

/** Counts queued and running builds, once a minute. */
export class WorkMeter extends Construct {
  readonly function: Lambda;
  readonly #table: string;

  constructor(scope: Construct, id: string, { tables, logDays }: { tables: Tables; logDays: number }) {
    super(scope, id);
    const { projects } = tables;
    this.#table = projects.ref;
    const logGroup = new LogGroup(this, "Log", {
      retention: logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    const indexes = ["WorkIndex", "StatusIndex"].map((name) => `${projects.attrArn}/index/${name}`);
    role.addToPolicy(new PolicyStatement({ actions: ["dynamodb:Query"], resources: indexes }));
    logGroup.grantWrite(role);
    this.function = new Lambda(this, "Function", {
      runtime: Runtime.NODEJS_24_X,
      handler: "index.handler",
      code: Code.fromAsset(join(import.meta.dirname, "work-meter")),
      environment: { TABLE: projects.ref, QUEUES: core.work_queues.join(",") },
      timeout: Duration.seconds(30),
      memorySize: 256,
      role,
      logGroup,
    });
    new Rule(this, "EveryMinute", {
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(this.function, { retryAttempts: 0 })],
    });
  }

  /** `Due`: builds that a worker could claim. `Work`: those, and what workers hold. */
  metric(metricName: "Due" | "Work"): Metric {
    return new Metric({
      namespace: "Stagefold",
      metricName,
      dimensionsMap: { Table: this.#table },
      statistic: "Maximum",
      period: Duration.minutes(1),
    });
  }
}

/**
 * More workers as long as builds wait; fewer once a quarter of an hour has had less work than the fewest workers take: a
 * worker that is stopped gives back what it has not finished, so that stops are to be few.
 */
export function scaleWorkers({ service }: Part, meter: WorkMeter, parameters: Parameters): void {
  const { minWorkers: minCapacity, maxWorkers: maxCapacity, workerConcurrency: slots } = parameters;
  const scaling = service.autoScaleTaskCount({ minCapacity, maxCapacity });
  scaling.scaleOnMetric("More", {
    metric: meter.metric("Due"),
    adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
    scalingSteps: [
      { upper: 1, change: 0 },
      { lower: 1, upper: 2 * slots, change: 1 },
      { lower: 2 * slots, upper: 8 * slots, change: 2 },
      { lower: 8 * slots, change: 5 },
    ],
    cooldown: Duration.minutes(2),
    evaluationPeriods: 2,
  });
  const little = slots * Math.max(1, minCapacity);
  scaling.scaleOnMetric("Fewer", {
    metric: meter.metric("Work"),
    adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
    scalingSteps: [
      { upper: 1, change: -5 },
      // A step from 1 to 1 is refused.
      ...(little > 1 ? [{ lower: 1, upper: little, change: -1 }] : []),
      { lower: little, change: 0 },
    ],
    cooldown: Duration.minutes(5),
    evaluationPeriods: 15,
  });
}
