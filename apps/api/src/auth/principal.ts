import { type Asker, ROLES, type Role, StagefoldError } from "@stagefold/core";

/** Who makes a request. */
export interface Principal {
  /** `local`: the API needs no sign-in, and everything on this machine is its user's. */
  readonly kind: "local" | "key" | "user";
  /** As `control.by` and the audit log have it: `local`, `key:<name>`, `user:<user id>` or `schedule:<id>`. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** The `user_id` of what this principal creates, and of what a member may control. */
  readonly user_id: string | undefined;
  /** The only pipelines whose work a runner may take; all of them when it is left out. */
  readonly pipelines?: readonly string[] | undefined;
  /** The API key that vouches for it: revoking the key ends what it has open. */
  readonly key_id?: string | undefined;
  /** The hash of the key's secret: rotating the key ends what was opened with the secret before. */
  readonly key_hash?: string | undefined;
  /** The sign-in of a browser that vouches for it: signing out ends what it has open. */
  readonly session_id?: string | undefined;
  /** Epoch milliseconds from which on the credentials are not valid any more. */
  readonly expires_at?: number | undefined;
}

export const LOCAL: Principal = {
  kind: "local",
  id: "local",
  name: "this machine",
  role: "admin",
  user_id: undefined,
};

/**
 * What a procedure needs. `create`: makes a build of one's own. `control`: changes a build; a member's own alone.
 * `work`: takes builds of programs and reports to them. `admin`: keys, audit log and the like.
 */
export type Access = "read" | "create" | "control" | "work" | "admin";

const GRANTS: Record<Role, readonly Access[]> = {
  viewer: ["read"],
  member: ["read", "create", "control"],
  operator: ["read", "create", "control"],
  runner: ["read", "create", "work"],
  admin: ["read", "create", "control", "work", "admin"],
};

export function isGranted(principal: Principal, access: Access): boolean {
  return GRANTS[principal.role].includes(access);
}

/** Errors: FORBIDDEN, naming the roles that would do. */
export function requireAccess(principal: Principal, access: Access): void {
  if (isGranted(principal, access)) return;
  const roles = ROLES.filter((role) => GRANTS[role].includes(access)).join(" or ");
  throw new StagefoldError(
    "FORBIDDEN",
    `This needs the role ${roles}; ${principal.name} has the role ${principal.role}.`,
    {},
  );
}

/** The principal as the repository knows it: members and runners control what is their own alone. */
export function askerOf(principal: Principal): Asker {
  if (principal.kind === "local") return {};
  // One without a user id of its own owns nothing: no stored user id is empty.
  const ownsAlone = principal.role === "member" || principal.role === "runner";
  return { by: principal.id, ...(ownsAlone && { owner: principal.user_id ?? "" }) };
}

/** The `user_id` of a new build. Errors: FORBIDDEN for one who names another user without the right to. */
export function userIdFor(principal: Principal, named: string | undefined): string | undefined {
  if (named === undefined || named === principal.user_id) return named ?? principal.user_id;
  if (principal.kind === "local" || ["operator", "runner", "admin"].includes(principal.role)) return named;
  throw new StagefoldError(
    "FORBIDDEN",
    `user_id comes from who asks (${principal.user_id ?? "none"}): naming another needs the role operator or runner.`,
    {},
  );
}

/** The `user_name` of a new build: what the person who signed in is called, where it is their own. */
export function userNameFor({ id, name }: Principal, user_id: string | undefined): string | undefined {
  return id === `user:${user_id}` ? name : undefined;
}

/** Errors: FORBIDDEN for a runner that asks for work of pipelines which are not its own. */
export function pipelinesFor(
  principal: Principal,
  wanted: readonly string[] | undefined,
): readonly string[] | undefined {
  const allowed = principal.pipelines;
  if (allowed === undefined) return wanted;
  const foreign = (wanted ?? []).filter((name) => !allowed.includes(name));
  if (foreign.length > 0)
    throw new StagefoldError(
      "FORBIDDEN",
      `${principal.name} may run ${allowed.join(", ")} alone, not ${foreign.join(", ")}.`,
      {},
    );
  return wanted ?? allowed;
}
