import { Stack } from "aws-cdk-lib";
import type { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import { acknowledge } from "./acknowledge.ts";
import type { Files } from "./files.ts";
import type { Parameters } from "./parameters.ts";
import type { Tables } from "./tables.ts";

/** What API and workers ask of the tables once these are there. `Scan` is for export, import and doctor alone. */
export const TABLE_ACTIONS = [
  "dynamodb:DescribeTable",
  "dynamodb:DescribeTimeToLive",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:UpdateItem",
  "dynamodb:DeleteItem",
  "dynamodb:BatchGetItem",
  "dynamodb:Query",
];
export const OBJECT_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"];

interface Given {
  readonly tables: Tables;
  readonly files: Files;
  readonly parameters: Parameters;
}

/** What any task of Stagefold may do. */
export function grantStores(role: Role, { tables, files, parameters }: Given): void {
  const both = [tables.projects, tables.records];
  role.addToPolicy(
    new PolicyStatement({
      actions: TABLE_ACTIONS,
      resources: both.flatMap(({ attrArn }) => [attrArn, `${attrArn}/index/*`]),
    }),
  );
  role.addToPolicy(
    new PolicyStatement({
      actions: OBJECT_ACTIONS,
      resources: [files.bucket.arnForObjects(`${files.prefix}/*`)],
    }),
  );
  // Without it S3 answers 403 in the place of 404.
  role.addToPolicy(new PolicyStatement({ actions: ["s3:ListBucket"], resources: [files.bucket.bucketArn] }));
  for (const table of both)
    allowWildcard(role, `<${logicalId(table)}.Arn>/index/*`, "All indexes of the table are read.");
  const objects = `<${logicalId(files.bucket.node.defaultChild as CfnTable)}.Arn>/${files.prefix}/*`;
  allowWildcard(role, objects, "Keys of artifacts and logs are not known beforehand.");
  if (parameters.bedrockModels.length > 0) {
    const actions = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"];
    role.addToPolicy(new PolicyStatement({ actions, resources: parameters.bedrockModels }));
    for (const arn of parameters.bedrockModels.filter((one) => one.includes("*")))
      allowWildcard(role, arn, "The parameters name the models so.");
  }
}

/** Secrets of stages are read by workers alone. */
export function grantStageSecrets(role: Role, { stageSecrets }: Parameters): void {
  if (stageSecrets === undefined) return;
  const { partition, region, account } = Stack.of(role);
  const resource = `arn:${partition}:ssm:${region}:${account}:parameter${stageSecrets}*`;
  role.addToPolicy(new PolicyStatement({ actions: ["ssm:GetParameters"], resources: [resource] }));
  const named = `arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter${stageSecrets}*`;
  allowWildcard(role, named, "Pipelines name the secrets; all of them are below this path.");
}

function allowWildcard(role: Role, resource: string, reason: string): void {
  acknowledge(role, `AwsSolutions-IAM5[Resource::${resource}]`, reason);
}

function logicalId(resource: CfnTable): string {
  return Stack.of(resource).getLogicalId(resource);
}
