export * from "./agent-schema.ts";
export * from "./ids.ts";
export * from "./limits.ts";
export * from "./refs.ts";
export * from "./run-event.ts";
export * from "./turn-schema.ts";
