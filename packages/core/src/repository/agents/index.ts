export { type AgentFilter, AgentLists, type TurnFilter } from "./agent-lists.ts";
export { AgentRecords } from "./agent-records.ts";
export { type AgentChange, type AgentFacts, Agents } from "./agents.ts";
export type { Asked, TurnTarget } from "./asked.ts";
export { type AgentRecordsOptions, TURN_LEASE_MS } from "./context.ts";
export { Sessions } from "./sessions.ts";
export { endedBlocks } from "./turn-blocks.ts";
export type { LeaseState, TurnLease, TurnProgress } from "./turn-lease.ts";
export { type Begun, Turns } from "./turns.ts";
