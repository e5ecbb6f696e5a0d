export { endingFields, endingText, type ProcessExit } from "./ending.ts";
export { errorCode, fsReason } from "./error-code.mjs";
export { makeFolder, makeWholeFolder, syncFolder } from "./folders.ts";
export { hideEnvironment } from "./hide-environment.mjs";
export { acquireLock, LockedError } from "./lock.mjs";
export { openRegularFile, type RegularFile } from "./open-regular.ts";
export { permissionFlags } from "./permission-flags.ts";
export { identityOf, isGone, type ProcessIdentity } from "./process-identity.mjs";
export {
  hasTag,
  inheritedFrom,
  killAll,
  membersOf,
  memoryOf,
  newestPid,
  newTag,
  type ProcessTree,
  signalMembers,
  underTag,
} from "./process-tree.ts";
export { SecretMask } from "./secret-mask.ts";
export { type ExpectedBytes, verifiedBytes } from "./verified-bytes.ts";
export { writeFileAtomic } from "./write-file.ts";
