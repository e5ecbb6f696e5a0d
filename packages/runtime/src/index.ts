export { type Backend, type BackendOptions, openBackend } from "./backend.ts";
export { type Env, EnvError, parseEnv } from "./env.ts";
export { type OpenTable, type OpenTableOptions, openTable } from "./table.ts";
