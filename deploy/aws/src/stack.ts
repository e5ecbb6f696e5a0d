import { type App, CfnOutput, Stack, Tags } from "aws-cdk-lib";
import { addAlarms } from "./alarms.ts";
import { Files } from "./files.ts";
import { LoadBalancer, Network } from "./network.ts";
import type { Parameters } from "./parameters.ts";
import { Services } from "./services.ts";
import { Tables } from "./tables.ts";
import { scaleWorkers, WorkMeter } from "./work.ts";

/** Everything that an installation is made of, but the image, the certificate and the name. */
export class StagefoldStack extends Stack {
  constructor(app: App, id: string, parameters: Parameters) {
    super(app, id, { description: "Stagefold: builds of AI agents on DynamoDB, S3 and Fargate" });
    const tables = new Tables(this, "Tables");
    const files = new Files(this, "Files");
    const network = new Network(this, "Network", parameters);
    const balancer = new LoadBalancer(this, "Door", { network, files, parameters });
    const services = new Services(this, "Services", { parameters, tables, files, network });
    const target = balancer.forwardTo(services.api.service);
    const meter = new WorkMeter(this, "Work", { tables, logDays: parameters.logDays });
    scaleWorkers(services.workers, meter, parameters);
    addAlarms(this, { parameters, tables, target, services, meter });
    Tags.of(this).add("application", "stagefold");
    new CfnOutput(this, "LoadBalancerName", {
      value: balancer.dnsName,
      description: "What the name must lead to",
    });
    new CfnOutput(this, "ApiLog", { value: services.api.log.logGroupName });
    new CfnOutput(this, "Bucket", { value: files.bucket.bucketName });
  }
}
