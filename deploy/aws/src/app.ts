import { App } from "aws-cdk-lib";
import type { Parameters } from "./parameters.ts";
import { StagefoldStack } from "./stack.ts";

/** What newer versions of the CDK do unless told otherwise. */
const FLAGS = {
  "@aws-cdk/aws-iam:minimizePolicies": true,
  "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": true,
  "@aws-cdk/core:checkSecretUsage": true,
};

/** An app with one stack, for no account and region in particular: those that it is deployed to. */
export function createApp(parameters: Parameters): { readonly app: App; readonly stack: StagefoldStack } {
  const app = new App({ context: FLAGS });
  return { app, stack: new StagefoldStack(app, "Stagefold", parameters) };
}
