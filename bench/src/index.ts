export { type BuildCount, countBuild } from "./count-build.ts";
export { type Counted, type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
export { type Stack, startStack } from "./stack.ts";
export { writeUnits } from "./write-units.ts";
