import type { HrTime } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { DataPoint, Histogram, MetricData } from "@opentelemetry/sdk-metrics";
import type { MetricObjectWithValues, MetricValue, MetricValueWithName, Registry } from "prom-client";
import { tellOnce } from "./tell-once.ts";

type Figure = MetricObjectWithValues<MetricValue<string> | MetricValueWithName<string>>;

/** Sends what `GET /metrics` has, under the same names: there is one set of figures. */
export async function openMetrics(
  resource: Resource,
  registry: Registry,
  intervalMs: number,
  onLost: (error: unknown) => void,
): Promise<{ shutdown(): Promise<void> }> {
  const [sdk, { OTLPMetricExporter }] = await Promise.all([
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-metrics-otlp-http"),
  ]);
  const startTime = hrTime(Date.now());

  const dataOf = (figure: Figure, endTime: HrTime): MetricData[] => {
    const common = {
      descriptor: { name: figure.name, description: figure.help, unit: unitOf(figure.name), valueType: 1 },
      aggregationTemporality: sdk.AggregationTemporality.CUMULATIVE,
    };
    const point = <Value>(attributes: Readonly<Record<string, string | number>>, value: Value) => ({
      startTime,
      endTime,
      attributes: { ...attributes },
      value,
    });
    const numbers = () =>
      figure.values.map(({ labels, value }): DataPoint<number> => point(present(labels), value));
    // As text: what the types call an enumeration is the name of each kind at run time.
    switch (String(figure.type)) {
      case "counter":
        return [
          { ...common, dataPointType: sdk.DataPointType.SUM, isMonotonic: true, dataPoints: numbers() },
        ];
      case "gauge":
        return [{ ...common, dataPointType: sdk.DataPointType.GAUGE, dataPoints: numbers() }];
      case "histogram": {
        const dataPoints = histogramsOf(figure).map(({ labels, value }) => point(labels, value));
        return [{ ...common, dataPointType: sdk.DataPointType.HISTOGRAM, dataPoints }];
      }
      // A summary has quantiles, which no figure here is.
      default:
        return [];
    }
  };
  const exporter = new OTLPMetricExporter();
  tellOnce(exporter, onLost);
  const producer = {
    collect: async () => {
      const endTime = hrTime(Date.now());
      const figures: Figure[] = await registry.getMetricsAsJSON();
      const metrics = figures.flatMap((figure) => dataOf(figure, endTime));
      return {
        resourceMetrics: { resource, scopeMetrics: [{ scope: { name: "stagefold" }, metrics }] },
        errors: [],
      };
    },
  };
  const reader = new sdk.PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(intervalMs, EXPORT_MS),
    metricProducers: [producer],
  });
  const provider = new sdk.MeterProvider({ resource, readers: [reader] });
  return { shutdown: () => provider.shutdown() };
}

/** What sending all figures once may take, in milliseconds. */
const EXPORT_MS = 30_000;

/** A histogram for each set of labels. Prometheus counts in a bucket what is in the smaller ones too; OTLP does not. */
function histogramsOf({ values }: Figure) {
  const found = new Map<
    string,
    { labels: Record<string, string | number>; buckets: Map<number, number>; sum: number }
  >();
  for (const { labels, value, ...named } of values) {
    const { le, ...own } = present(labels);
    const key = JSON.stringify(own);
    const one = found.get(key) ?? { labels: own, buckets: new Map<number, number>(), sum: 0 };
    found.set(key, one);
    if (le !== undefined) one.buckets.set(le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), value);
    else if ("metricName" in named && named.metricName?.endsWith("_sum") === true) one.sum = value;
  }
  return [...found.values()].map(({ labels, buckets, sum }) => {
    const limits = [...buckets.keys()].sort((a, b) => a - b);
    const upTo = limits.map((limit) => buckets.get(limit) ?? 0);
    const counts = upTo.map((count, i) => count - (upTo[i - 1] ?? 0));
    const boundaries = limits.filter(Number.isFinite);
    const value: Histogram = { buckets: { boundaries, counts }, sum, count: upTo.at(-1) ?? 0 };
    return { labels, value };
  });
}

function present(labels: Partial<Record<string, string | number>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return "s";
  return name.endsWith("_bytes") ? "By" : "";
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
}
