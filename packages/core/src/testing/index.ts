export * from "./builders.ts";
export { FakeClock } from "./fake-clock.ts";
