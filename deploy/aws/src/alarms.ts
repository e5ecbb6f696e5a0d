import { Duration, type Stack } from "aws-cdk-lib";
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  Metric,
  type MetricOptions,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { type ApplicationTargetGroup, HttpCodeTarget } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Parameters } from "./parameters.ts";
import type { Services } from "./services.ts";
import type { Tables } from "./tables.ts";
import type { WorkMeter } from "./work.ts";

interface Watched {
  readonly parameters: Parameters;
  readonly tables: Tables;
  readonly target: ApplicationTargetGroup;
  readonly services: Services;
  readonly meter: WorkMeter;
}

/** Levels of pino from `error` on. */
const ERRORS = FilterPattern.numberValue("$.level", ">=", 50);

/** What an operator should look at. All alarms go to one topic. */
export function addAlarms(stack: Stack, { parameters, tables, target, services, meter }: Watched): void {
  const topic = new Topic(stack, "Alarms", { enforceSSL: true });
  if (parameters.alarmEmail !== undefined)
    topic.addSubscription(new EmailSubscription(parameters.alarmEmail));
  const alarm = (
    id: string,
    metric: Metric,
    threshold: number,
    minutes: number,
    description: string,
    other: Partial<AlarmProps> = {},
  ) => {
    const made = new Alarm(stack, id, {
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: minutes,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: description,
      ...other,
    });
    made.addAlarmAction(new SnsAction(topic));
    made.addOkAction(new SnsAction(topic));
    return made;
  };
  const perMinute = { period: Duration.minutes(1) } satisfies MetricOptions;
  const { metrics } = target;
  const failures = metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
    ...perMinute,
    statistic: "Sum",
  });
  alarm("ApiFails", failures, 5, 3, "The API answers with 5xx.");
  alarm(
    "ApiSick",
    metrics.unhealthyHostCount({ ...perMinute, statistic: "Maximum" }),
    1,
    5,
    "An API task is not ready.",
  );
  alarm(
    "ApiSlow",
    metrics.targetResponseTime({ ...perMinute, statistic: "p95" }),
    2,
    15,
    "One answer in twenty takes 2 s.",
  );
  alarm(
    "WorkWaits",
    meter.metric("Due"),
    1,
    30,
    "Builds have waited for half an hour: workers are missing, or at their most.",
  );
  alarm(
    "MeterFails",
    meter.function.metricErrors(perMinute),
    1,
    5,
    "Nothing counts the work: workers are not scaled.",
  );
  // One that is not called, or is throttled, has no errors. No count is below 0: only one that is missing raises it.
  alarm(
    "MeterSilent",
    meter.metric("Due"),
    0,
    5,
    "No count of the work has come for five minutes: workers are not scaled.",
    {
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    },
  );
  for (const [name, table] of Object.entries({ Projects: tables.projects, Records: tables.records })) {
    for (const kind of ["ReadThrottleEvents", "WriteThrottleEvents"]) {
      const throttled = new Metric({
        namespace: "AWS/DynamoDB",
        metricName: kind,
        dimensionsMap: { TableName: table.ref },
        statistic: "Sum",
        ...perMinute,
      });
      alarm(`${name}${kind}`, throttled, 50, 5, "DynamoDB holds requests back; they are tried again.");
    }
  }
  for (const [name, { log }] of Object.entries({ Api: services.api, Worker: services.workers })) {
    const filter = new MetricFilter(stack, `${name}Errors`, {
      logGroup: log,
      filterPattern: ERRORS,
      metricNamespace: "Stagefold",
      metricName: `${name}Errors`,
      defaultValue: 0,
    });
    alarm(`${name}Logs`, filter.metric({ ...perMinute, statistic: "Sum" }), 5, 5, `The ${name} logs errors.`);
  }
}
