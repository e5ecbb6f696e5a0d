import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import type { FargateService } from "aws-cdk-lib/aws-ecs";
import {
  type ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  SslPolicy,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { Effect, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { Files } from "./files.ts";
import type { Parameters } from "./parameters.ts";

/** Where the API listens. */
export const API_PORT = 4000;

/** Two zones. DynamoDB and S3 are reached within Amazon's network, at no price. */
export class Network extends Construct {
  readonly vpc: Vpc;
  readonly taskSubnets: { readonly subnetType: SubnetType };
  readonly tasksArePublic: boolean;
  readonly balancerGroup: SecurityGroup;
  readonly apiGroup: SecurityGroup;
  readonly workerGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { natGateways, allowFrom }: Parameters) {
    super(scope, id);
    this.tasksArePublic = natGateways === 0;
    const inside = this.tasksArePublic ? SubnetType.PUBLIC : SubnetType.PRIVATE_WITH_EGRESS;
    this.taskSubnets = { subnetType: inside };
    const flow = new LogGroup(this, "FlowLog", {
      retention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc = new Vpc(this, "Vpc", {
      maxAzs: 2,
      natGateways,
      subnetConfiguration: [
        { name: "public", subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false },
        ...(this.tasksArePublic ? [] : [{ name: "tasks", subnetType: inside }]),
      ],
      gatewayEndpoints: {
        DynamoDB: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: GatewayVpcEndpointAwsService.S3 },
      },
      flowLogs: { All: { destination: FlowLogDestination.toCloudWatchLogs(flow) } },
    });
    const group = (name: string, description: string) =>
      new SecurityGroup(this, name, { vpc: this.vpc, description, allowAllOutbound: true });
    this.balancerGroup = group("Balancer", "Load balancer of Stagefold");
    this.apiGroup = group("Api", "API of Stagefold");
    this.workerGroup = group("Worker", "Workers of Stagefold, which nothing may reach");
    for (const from of allowFrom)
      for (const port of [80, 443]) this.balancerGroup.addIngressRule(Peer.ipv4(from), Port.tcp(port));
    this.apiGroup.addIngressRule(this.balancerGroup, Port.tcp(API_PORT));
    if (allowFrom.includes("0.0.0.0/0"))
      acknowledge(
        this.balancerGroup,
        "AwsSolutions-EC23",
        "The API asks every caller who they are; `allowFrom` narrows it.",
      );
  }
}

interface Options {
  readonly network: Network;
  readonly files: Files;
  readonly parameters: Parameters;
}

/** HTTPS for the public name. What comes over HTTP is sent there. */
export class LoadBalancer extends Construct {
  readonly balancer: ApplicationLoadBalancer;
  readonly #https: ApplicationListener;

  constructor(scope: Construct, id: string, { network, files, parameters }: Options) {
    super(scope, id);
    this.balancer = new ApplicationLoadBalancer(this, "Balancer", {
      vpc: network.vpc,
      internetFacing: true,
      securityGroup: network.balancerGroup,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      // An event stream says every ten seconds that it is alive.
      idleTimeout: Duration.seconds(120),
      dropInvalidHeaderFields: true,
      deletionProtection: true,
    });
    this.#logTo(files);
    this.balancer.addListener("Http", {
      port: 80,
      open: false,
      defaultAction: ListenerAction.redirect({ protocol: "HTTPS", port: "443", permanent: true }),
    });
    this.#https = this.balancer.addListener("Https", {
      port: 443,
      open: false,
      sslPolicy: SslPolicy.TLS13_13,
      certificates: [Certificate.fromCertificateArn(this, "Certificate", parameters.certificateArn)],
    });
  }

  get dnsName(): string {
    return this.balancer.loadBalancerDnsName;
  }

  forwardTo(service: FargateService) {
    return this.#https.addTargets("Api", {
      port: API_PORT,
      protocol: ApplicationProtocol.HTTP,
      targets: [service.loadBalancerTarget({ containerName: "api", containerPort: API_PORT })],
      healthCheck: { path: "/readyz", interval: Duration.seconds(15), timeout: Duration.seconds(5) },
      deregistrationDelay: Duration.seconds(30),
    });
  }

  /** In every region by the service that delivers logs: what CDK has for it must know the region. */
  #logTo({ accessLogs }: Files): void {
    this.balancer.setAttribute("access_logs.s3.enabled", "true");
    this.balancer.setAttribute("access_logs.s3.bucket", accessLogs.bucketName);
    this.balancer.setAttribute("access_logs.s3.prefix", "balancer");
    accessLogs.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
        actions: ["s3:PutObject"],
        resources: [accessLogs.arnForObjects(`balancer/AWSLogs/${Stack.of(this).account}/*`)],
      }),
    );
    this.balancer.node.addDependency(accessLogs.policy ?? accessLogs);
  }
}
