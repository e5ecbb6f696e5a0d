export { openBackend, type Backend, type BackendOptions } from "./backend.ts";
export { EnvError, parseEnv, type Env } from "./env.ts";
