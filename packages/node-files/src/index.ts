export { errorCode, fsReason } from "./error-code.mjs";
export { makeFolder, syncFolder } from "./folders.ts";
export { acquireLock, LockedError } from "./lock.mjs";
export { openRegularFile, type RegularFile } from "./open-regular.ts";
export { permissionFlags } from "./permission-flags.ts";
export { identityOf, isGone, type ProcessIdentity } from "./process-identity.mjs";
export {
  exitText,
  hasTag,
  inheritedFrom,
  killAll,
  membersOf,
  newestPid,
  newTag,
  type ProcessExit,
  type ProcessTree,
  signalMembers,
  underTag,
} from "./process-tree.ts";
export { type ExpectedBytes, verifiedBytes } from "./verified-bytes.ts";
export { writeFileAtomic } from "./write-file.ts";
