/**
 * What a caller may do. `viewer` reads; `member` also creates, and controls what is its own; `operator` controls
 * everything; `runner` also creates, and takes work, of named pipelines where it has some; `admin` does all of it, and
 * manages keys.
 */
export const ROLES = ["viewer", "member", "operator", "runner", "admin"] as const;
export type Role = (typeof ROLES)[number];
