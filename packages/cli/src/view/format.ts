/** Seconds as people say them: `0.4s`, `12s`, `2m 05s`, `1h 02m`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** Bytes as people say them: `812 B`, `1.4 KB`. */
export function size(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "KB", "MB"]) {
    if (value < 1024) return unit === "B" ? `${value} B` : `${value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} GB`;
}

/** A stored time on the reader's clock: `2026-11-22 17:25`. */
export function clockTime(time: string): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function percent(value: number): string {
  return `${Math.floor(value)} %`;
}

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/** Seconds from one stored time to another, or to `nowMs`. */
export function secondsSince(from: string, to: string | undefined, nowMs: number): number {
  return Math.max(0, (to === undefined ? nowMs : Date.parse(to)) - Date.parse(from)) / 1000;
}
