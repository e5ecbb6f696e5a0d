import { z } from "zod";

/** What is sent to a collector of OpenTelemetry. */
export interface Signals {
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly logs: boolean;
  /** Between two times that the figures are sent, in milliseconds. */
  readonly metricIntervalMs: number;
}

const INTERVAL_MS = 60_000;
const address = z.url({ protocol: /^https?$/ });

type Source = Readonly<Record<string, string | undefined>>;

/**
 * By the standard's own names: all three signals go to OTEL_EXPORTER_OTLP_ENDPOINT, one alone to its own endpoint, and none
 * whose OTEL_…_EXPORTER is not `otlp`. What else they need OpenTelemetry's SDK reads. `refuse` throws for a malformed value.
 */
export function signalsIn(source: Source, refuse: (name: string, expected: string) => never): Signals {
  const isDisabled = source.OTEL_SDK_DISABLED?.toLowerCase() === "true";
  const isGiven = (name: string) => {
    if (!source[name]) return false;
    if (!address.safeParse(source[name]).success) refuse(name, "an http:// or https:// address");
    return true;
  };
  const isForAll = isGiven("OTEL_EXPORTER_OTLP_ENDPOINT");
  const isSent = (signal: "TRACES" | "METRICS" | "LOGS") => {
    const isForIt = isGiven(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
    const exporters = (source[`OTEL_${signal}_EXPORTER`] || "otlp").split(",");
    return !isDisabled && (isForAll || isForIt) && exporters.some((one) => one.trim() === "otlp");
  };
  const interval = source.OTEL_METRIC_EXPORT_INTERVAL || String(INTERVAL_MS);
  if (!/^[1-9]\d{0,8}$/.test(interval))
    refuse("OTEL_METRIC_EXPORT_INTERVAL", "a whole number of milliseconds");
  return {
    traces: isSent("TRACES"),
    metrics: isSent("METRICS"),
    logs: isSent("LOGS"),
    metricIntervalMs: Number(interval),
  };
}
