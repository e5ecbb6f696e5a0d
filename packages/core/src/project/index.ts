export * from "./apply-event.ts";
export * from "./artifacts.ts";
export * from "./end.ts";
export * from "./events.ts";
export * from "./require.ts";
export * from "./stage.ts";
export * from "./sub-stage.ts";
export * from "./take-over.ts";
