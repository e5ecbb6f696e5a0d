import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { createApp } from "./app.ts";
import { readParameters } from "./parameters.ts";

const { app } = createApp(readParameters(process.env.PARAMETERS ?? "parameters.json"));
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
