import { z } from "zod";

const EXPECTED = "expected a time such as 2025-01-31T08:00:00.000Z";

/** `YYYY-MM-DDTHH:mm:ss.SSSZ`, always three decimals: times are compared as text. */
export const timeSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/, EXPECTED)
  .refine((time) => Number.isFinite(Date.parse(time)), EXPECTED);

/** A time as callers give it, of a day that exists. What is stored already may say 30 February, and stays readable. */
export const givenTimeSchema = timeSchema.refine(
  (time) => !timeSchema.safeParse(time).success || toTime(fromTime(time)) === time,
  "expected a day that is in the calendar",
);

/** The stored form of a time in epoch milliseconds. */
export function toTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** Epoch milliseconds of a stored time. */
export function fromTime(time: string): number {
  return Date.parse(time);
}

/** `time` moved by `ms` milliseconds. */
export function addMs(time: string, ms: number): string {
  return toTime(fromTime(time) + ms);
}

/** Seconds between two stored times, to the millisecond, never negative. */
export function secondsBetween(from: string, to: string): number {
  return Math.max(0, fromTime(to) - fromTime(from)) / 1000;
}
