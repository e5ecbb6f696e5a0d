import { LEASE_SECONDS } from "../keys/recovery.ts";

/** What a figure is to be, in words and as a check; `sub` names the part of a key that has parts. */
export interface Goal {
  readonly key: string;
  readonly sub?: string;
  readonly unit: string;
  readonly words: string;
  /** Absent where a figure is reported and nothing is promised. */
  readonly met?: (value: number) => boolean;
}

const atMost = (limit: number) => ({ words: `≤ ${limit}`, met: (value: number) => value <= limit });
const atLeast = (limit: number) => ({ words: `≥ ${limit}`, met: (value: number) => value >= limit });
const reported = { words: "" };

/** Every figure, in the order in which they are shown. */
export const GOALS: readonly Goal[] = [
  { key: "requests_per_transition", unit: "", ...atMost(1.1) },
  { key: "requests_per_build", unit: "", ...atMost(9) },
  { key: "write_units_per_build", unit: "units", ...reported },
  { key: "write_units_vs_replaced", unit: "×", ...atMost(0.25) },
  { key: "item_bytes", unit: "bytes", ...atMost(8192) },
  { key: "turn_units", sub: "short", unit: "units", ...atMost(14) },
  { key: "turn_units", sub: "usual", unit: "units", ...atMost(30) },
  { key: "first_text_ms", unit: "ms", ...atMost(50) },
  { key: "builds_per_second", unit: "1/s", ...reported },
  { key: "builds_per_second_3000", unit: "1/s", ...reported },
  { key: "vs_raw", unit: "×", ...reported },
  { key: "vs_replaced", unit: "×", ...atLeast(5) },
  { key: "vs_replaced_sqlite", unit: "×", ...atLeast(1.5) },
  { key: "vs_bullmq", sub: "sandboxed", unit: "×", words: "> 1", met: (value) => value > 1 },
  { key: "vs_bullmq", sub: "everysec", unit: "×", ...reported },
  { key: "vs_bullmq", sub: "always", unit: "×", ...reported },
  { key: "repository_cpu", unit: "×", ...atMost(1.1) },
  { key: "cpu_vs_raw", unit: "×", ...atMost(0.35) },
  { key: "worker_cpu_ms_per_build", unit: "ms", ...reported },
  { key: "worker_cpu_others", sub: "raw", unit: "ms", ...reported },
  { key: "worker_cpu_others", sub: "replaced", unit: "ms", ...reported },
  { key: "worker_cpu_others", sub: "replaced_sqlite", unit: "ms", ...reported },
  { key: "worker_cpu_others", sub: "bullmq_sandboxed", unit: "ms", ...reported },
  { key: "worker_cpu_others", sub: "bullmq_everysec", unit: "ms", ...reported },
  { key: "worker_cpu_others", sub: "bullmq_always", unit: "ms", ...reported },
  { key: "recovery_seconds", sub: "same_machine", unit: "s", ...atMost(0.5) },
  { key: "recovery_seconds", sub: "other", unit: "s", ...atMost(LEASE_SECONDS + 8) },
  { key: "watch_ms", sub: "same_p50", unit: "ms", ...atMost(20) },
  { key: "watch_ms", sub: "other_p99", unit: "ms", ...atMost(100) },
  { key: "wake_ms", unit: "ms", ...atMost(150) },
  { key: "answer_ms", sub: "p95", unit: "ms", ...atMost(150) },
  { key: "answer_ms", sub: "wake_p95", unit: "ms", ...reported },
  { key: "line_ms", sub: "p95", unit: "ms", ...atMost(500) },
  { key: "line_ms", sub: "pipe_p95", unit: "ms", ...reported },
  { key: "watchers", sub: "memory_kb", unit: "KB", ...atMost(20) },
  { key: "watchers", sub: "requests_per_second", unit: "1/s", words: "as of 100" },
  { key: "watchers", sub: "requests_per_second_of_100", unit: "1/s", ...reported },
  { key: "list_100k", unit: "×", ...atMost(1.2) },
  { key: "stats_100k", unit: "ms", ...atMost(150) },
  { key: "text_search_100k", unit: "ms", ...atMost(150) },
  { key: "api_overhead", unit: "×", ...atMost(1.3) },
  { key: "auth_overhead", unit: "×", ...atMost(1.05) },
  { key: "start_seconds", unit: "s", ...atMost(1.2) },
];
