export {
  type Attributes,
  NO_TELEMETRY,
  openTelemetry,
  type Span,
  type SpanOptions,
  type Telemetry,
  type TelemetryOptions,
} from "./telemetry.ts";
