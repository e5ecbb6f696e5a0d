export { LogOutput } from "./log-output.ts";
export { tracedModelCall } from "./model-call.ts";
export {
  type Attributes,
  NO_TELEMETRY,
  openTelemetry,
  type Span,
  type SpanOptions,
  type Telemetry,
  type TelemetryOptions,
} from "./telemetry.ts";
