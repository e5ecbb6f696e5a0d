import { openLogs } from "./logs.ts";
import { openMetrics } from "./metrics.ts";
import { openSpans } from "./spans.ts";
import { NO_TELEMETRY, type Signal, type Telemetry, type TelemetryOptions } from "./telemetry.ts";

/** What the end of the process may wait for a collector, in milliseconds. */
const CLOSE_MS = 3000;

/**
 * What is asked for, over OTLP/HTTP in JSON. Where it goes, under which name, and which headers it carries is for the exporters
 * to read in the environment (`OTEL_…`).
 */
export async function openSignals(options: TelemetryOptions): Promise<Telemetry> {
  const { signals, service, version, registry, onLost } = options;
  const resources = await import("@opentelemetry/resources");
  const named = resources.resourceFromAttributes({ "service.name": service, "service.version": version });
  const given = resources.detectResources({ detectors: [resources.envDetector] });
  const resource = resources.defaultResource().merge(named).merge(given);
  const lost = (signal: Signal) => (error: unknown) => onLost(error, signal);
  const spans = signals.traces ? await openSpans(resource, version, lost("traces")) : undefined;
  const [metrics, logs] = await Promise.all([
    signals.metrics ? openMetrics(resource, registry, signals.metricIntervalMs, lost("metrics")) : undefined,
    signals.logs ? openLogs(resource, () => spans?.active(), lost("logs")) : undefined,
  ]);
  return {
    ...(spans ?? NO_TELEMETRY),
    log: logs?.log,
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      const all = [spans, metrics, logs].map((one) => one?.shutdown());
      await Promise.race([Promise.allSettled(all), enough]);
      clearTimeout(timer);
    },
  };
}
