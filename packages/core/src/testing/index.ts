export * from "./builders.ts";
export { FakeClock } from "./fake-clock.ts";
export { projectStoreSuite } from "./project-store.suite.ts";
