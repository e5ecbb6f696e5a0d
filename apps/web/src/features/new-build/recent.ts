import { forget, keep, readKept } from "../../lib/storage.ts";

const KEY = "recent-requirements";
const AT_MOST = 6;
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === "string");

/** What was asked for in this browser, the last first. */
export function recentRequirements(): string[] {
  return readKept(KEY, isTexts) ?? [];
}

export function rememberRequirement(requirement: string): void {
  const others = recentRequirements().filter((other) => other !== requirement);
  keep(KEY, [requirement, ...others].slice(0, AT_MOST));
}

export function forgetRequirements(): void {
  forget(KEY);
}
