export * from "./format.ts";
export * from "./normalise.ts";
export { keyOfName, readLegacyStage } from "./stage.ts";
export * from "./summary.ts";
