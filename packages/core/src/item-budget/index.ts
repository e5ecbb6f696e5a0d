export * from "./manifest.ts";
export * from "./spill.ts";
