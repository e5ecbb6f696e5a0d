import { readFileSync } from "node:fs";
import { z } from "zod";

const count = (min: number, max: number) => z.number().int().min(min).max(max);
/** Of a parameter of Systems Manager (SecureString), or of a secret of Secrets Manager. */
const secretSchema = z.string().regex(/^(ssm:\/[\w./-]+|secret:[\w/+=.@-]+)$/, "ssm:/name or secret:name");

/** What an installation may choose. Everything but the address and its certificate has a default. */
export const parametersSchema = z.strictObject({
  /** What browsers and programs see. Its name must lead to the load balancer. */
  publicUrl: z.url({ protocol: /^https$/ }),
  /** Of the certificate for that name, in the same region. */
  certificateArn: z.string().regex(/^arn:aws[\w-]*:acm:/, "the ARN of a certificate of ACM"),
  /** The repository in ECR that has the image, and the image's tag. */
  imageRepository: z.string().default("stagefold"),
  imageTag: z.string(),
  /** Of the image: that of the machine which built it. */
  architecture: z.enum(["x86_64", "arm64"]).default("x86_64"),

  /** Settings of API and workers (STAGEFOLD_…, OTEL_…) that are no secrets. */
  environment: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string())
    .default({ STAGEFOLD_AUTH: "keys" }),
  /** Settings that are secrets: the name of each, and where its value is. */
  secrets: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), secretSchema).default({}),
  /** Path of the secrets of stages in Parameter Store, such as `/stagefold/stages/`. */
  stageSecrets: z
    .string()
    .regex(/^\/[\w./-]+\/$/, "a path that begins and ends with a slash")
    .optional(),
  /** Models of Amazon Bedrock that tasks may call, by their ARNs. */
  bedrockModels: z.array(z.string().startsWith("arn:aws")).default([]),

  apiTasks: count(1, 50).default(2),
  /** 1024 are one vCPU; MB. */
  apiCpu: count(256, 16_384).default(512),
  apiMemory: count(512, 122_880).default(1024),
  workerCpu: count(256, 16_384).default(1024),
  workerMemory: count(512, 122_880).default(2048),
  /** Builds at once in one worker. */
  workerConcurrency: count(1, 1000).default(4),
  minWorkers: count(0, 500).default(1),
  maxWorkers: count(1, 500).default(10),
  /** Spot capacity costs about a third, and may be taken away with two minutes' notice. */
  workersOnSpot: z.boolean().default(true),
  /** For running stages when a worker is stopped; Fargate gives two minutes altogether. */
  drainSeconds: count(0, 105).default(90),

  /** Gateways through which tasks reach the Internet; 0: tasks have addresses of their own, which let nothing in. */
  natGateways: count(0, 3).default(1),
  /** Who may reach the load balancer. */
  allowFrom: z.array(z.string()).default(["0.0.0.0/0"]),
  logDays: z.union([z.literal(7), z.literal(14), z.literal(30), z.literal(90), z.literal(365)]).default(30),
  /** Gets the alarms; none: no one gets them until an operator subscribes to the topic. */
  alarmEmail: z.email().optional(),
});

export type Parameters = z.output<typeof parametersSchema>;

export function readParameters(file: string): Parameters {
  const found = parametersSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!found.success) throw new Error(`${file} is not valid.\n${z.prettifyError(found.error)}`);
  if (found.data.minWorkers > found.data.maxWorkers)
    throw new Error(`${file} is not valid: minWorkers must be at most maxWorkers.`);
  return found.data;
}
