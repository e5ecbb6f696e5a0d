import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Repository } from "aws-cdk-lib/aws-ecr";
import {
  type CapacityProviderStrategy,
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  LinuxParameters,
  LogDriver,
  OperatingSystemFamily,
  Secret,
} from "aws-cdk-lib/aws-ecs";
import type { Role } from "aws-cdk-lib/aws-iam";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Secret as StoredSecret } from "aws-cdk-lib/aws-secretsmanager";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { Files } from "./files.ts";
import { API_PORT, type Network } from "./network.ts";
import type { Parameters } from "./parameters.ts";
import { grantStageSecrets, grantStores } from "./rights.ts";
import type { Tables } from "./tables.ts";

interface Given {
  readonly parameters: Parameters;
  readonly tables: Tables;
  readonly files: Files;
  readonly network: Network;
}

/** Service and log of one part. */
export interface Part {
  readonly service: FargateService;
  readonly log: LogGroup;
}

interface PartOptions {
  readonly cpu: number;
  readonly memory: number;
  /** Undefined: as many as scaling has made it. */
  readonly count: number | undefined;
  readonly securityGroup: Network["apiGroup"];
  readonly environment: Record<string, string>;
  readonly stopSeconds: number;
  readonly capacity: CapacityProviderStrategy[];
}

/** API and workers on Fargate, of one image. Tasks keep nothing of their own. */
export class Services extends Construct {
  readonly api: Part;
  readonly workers: Part;
  readonly #given: Given;
  readonly #cluster: Cluster;
  readonly #secrets: Record<string, Secret>;

  constructor(scope: Construct, id: string, given: Given) {
    super(scope, id);
    this.#given = given;
    const { parameters, network } = given;
    this.#cluster = new Cluster(this, "Cluster", {
      vpc: network.vpc,
      enableFargateCapacityProviders: true,
      containerInsightsV2: ContainerInsights.DISABLED,
    });
    acknowledge(
      this.#cluster,
      "AwsSolutions-ECS4",
      "Parts serve metrics of their own, and alarms watch what matters.",
    );
    this.#secrets = Object.fromEntries(
      Object.entries(parameters.secrets).map(([name, place]) => [name, this.#secret(name, place)]),
    );
    this.api = this.#part("api", {
      cpu: parameters.apiCpu,
      memory: parameters.apiMemory,
      count: parameters.apiTasks,
      securityGroup: network.apiGroup,
      environment: { STAGEFOLD_HOST: "0.0.0.0", STAGEFOLD_PORT: String(API_PORT) },
      stopSeconds: 30,
      capacity: [{ capacityProvider: "FARGATE", weight: 1 }],
    });
    this.workers = this.#part("worker", {
      cpu: parameters.workerCpu,
      memory: parameters.workerMemory,
      count: undefined,
      securityGroup: network.workerGroup,
      environment: {
        STAGEFOLD_WORKER_CONCURRENCY: String(parameters.workerConcurrency),
        STAGEFOLD_DRAIN_SECONDS: String(parameters.drainSeconds),
        STAGEFOLD_WORKER_PORT: "4001",
        ...(parameters.stageSecrets !== undefined && { STAGEFOLD_SECRETS: `ssm:${parameters.stageSecrets}` }),
      },
      // All that Fargate gives: the drain, then what stages get to clean up.
      stopSeconds: 120,
      capacity: [{ capacityProvider: parameters.workersOnSpot ? "FARGATE_SPOT" : "FARGATE", weight: 1 }],
    });
    grantStageSecrets(this.workers.service.taskDefinition.taskRole as Role, parameters);
  }

  #part(name: "api" | "worker", options: PartOptions): Part {
    const { parameters, tables, files, network } = this.#given;
    const log = new LogGroup(this, `${name}-log`, {
      retention: parameters.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const task = new FargateTaskDefinition(this, `${name}-task`, {
      cpu: options.cpu,
      memoryLimitMiB: options.memory,
      runtimePlatform: {
        cpuArchitecture: parameters.architecture === "arm64" ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    const image = Repository.fromRepositoryName(this, `${name}-image`, parameters.imageRepository);
    const container = task.addContainer(name, {
      image: ContainerImage.fromEcrRepository(image, parameters.imageTag),
      command: [name],
      environment: {
        STAGEFOLD_STORE: "dynamodb",
        STAGEFOLD_TABLE: tables.projects.ref,
        STAGEFOLD_RECORDS_TABLE: tables.records.ref,
        STAGEFOLD_FILES: `s3://${files.bucket.bucketName}/${files.prefix}`,
        STAGEFOLD_PUBLIC_URL: parameters.publicUrl,
        ...parameters.environment,
        ...options.environment,
      },
      secrets: this.#secrets,
      logging: LogDriver.awsLogs({ logGroup: log, streamPrefix: name }),
      // What a stage leaves behind is ended by the init process.
      linuxParameters: new LinuxParameters(this, `${name}-linux`, { initProcessEnabled: true }),
      readonlyRootFilesystem: true,
      stopTimeout: Duration.seconds(options.stopSeconds),
      portMappings: name === "api" ? [{ containerPort: API_PORT }] : [],
      healthCheck: {
        command: ["CMD", "node", "/usr/local/lib/stagefold/health.mjs"],
        interval: Duration.seconds(15),
        startPeriod: Duration.seconds(60),
      },
    });
    // The image declares both as volumes, so that they belong to its user here too.
    for (const folder of ["data", "tmp"]) {
      task.addVolume({ name: folder });
      container.addMountPoints({ containerPath: `/${folder}`, sourceVolume: folder, readOnly: false });
    }
    grantStores(task.taskRole as Role, this.#given);
    acknowledge(
      task,
      "AwsSolutions-ECS2",
      "Only what is no secret is in the environment; secrets are references.",
    );
    const { executionRole } = task;
    if (executionRole)
      acknowledge(
        executionRole,
        "AwsSolutions-IAM5[Resource::*]",
        "The call for a token of ECR takes no resource.",
      );
    const service = new FargateService(this, name, {
      cluster: this.#cluster,
      taskDefinition: task,
      desiredCount: options.count,
      capacityProviderStrategies: options.capacity,
      securityGroups: [options.securityGroup],
      vpcSubnets: network.taskSubnets,
      assignPublicIp: network.tasksArePublic,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      ...(name === "api" && { healthCheckGracePeriod: Duration.seconds(60) }),
    });
    return { service, log };
  }

  #secret(name: string, place: string): Secret {
    const [, kind = "", where = ""] = /^(ssm|secret):(.*)$/.exec(place) ?? [];
    if (kind === "secret") return Secret.fromSecretsManager(StoredSecret.fromSecretNameV2(this, name, where));
    const parameterName = where;
    return Secret.fromSsmParameter(
      StringParameter.fromSecureStringParameterAttributes(this, name, { parameterName }),
    );
  }
}
