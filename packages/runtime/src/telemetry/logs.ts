import type { Span as SdkSpan } from "@opentelemetry/api";
import type { AnyValueMap } from "@opentelemetry/api-logs";
import type { Resource } from "@opentelemetry/resources";
import { z } from "zod";
import { tellOnce } from "./tell-once.ts";

/** A line of a program's log, as pino writes it. */
const lineSchema = z.looseObject({
  level: z.number(),
  time: z.number(),
  msg: z.string().default(""),
  pid: z.unknown().optional(),
  err: z
    .looseObject({
      type: z.string().optional(),
      message: z.string().optional(),
      stack: z.string().optional(),
    })
    .optional(),
});

/** By tens, as pino counts: OpenTelemetry has four numbers for each. */
const SEVERITIES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;

/** Sends the lines of the program's log, each as part of what was traced when it was written. */
export async function openLogs(
  resource: Resource,
  active: () => SdkSpan | undefined,
  onLost: (error: unknown) => void,
): Promise<{ readonly log: (line: string) => void; shutdown(): Promise<void> }> {
  const [api, sdk, { OTLPLogExporter }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-logs"),
    import("@opentelemetry/exporter-logs-otlp-http"),
  ]);
  const exporter = new OTLPLogExporter();
  tellOnce(exporter, onLost);
  const processors = [new sdk.BatchLogRecordProcessor({ exporter })];
  const provider = new sdk.LoggerProvider({ resource, processors });
  const logger = provider.getLogger("stagefold");
  return {
    log: (line) => {
      const parsed = lineSchema.safeParse(JSON.parse(line));
      // A log never ends what it is about.
      if (!parsed.success) return;
      const { level, time, msg, pid: _, err, ...fields } = parsed.data;
      const at = Math.min(Math.max(Math.round(level / 10) - 1, 0), SEVERITIES.length - 1);
      const span = active();
      logger.emit({
        timestamp: time,
        severityNumber: 1 + 4 * at,
        severityText: SEVERITIES[at] ?? "INFO",
        body: msg,
        attributes: attributesOf(fields, err),
        context: span ? api.trace.setSpan(api.ROOT_CONTEXT, span) : api.ROOT_CONTEXT,
      });
    },
    shutdown: () => provider.shutdown(),
  };
}

/** Those of an error under OpenTelemetry's names. */
function attributesOf(
  fields: Readonly<Record<string, unknown>>,
  err: z.output<typeof lineSchema>["err"],
): AnyValueMap {
  const error = err && {
    "exception.type": err.type,
    "exception.message": err.message,
    "exception.stacktrace": err.stack,
  };
  return JSON.parse(JSON.stringify({ ...fields, ...error }));
}
