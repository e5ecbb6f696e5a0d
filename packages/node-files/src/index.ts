export { errorCode, fsReason } from "./error-code.mjs";
export { makeFolder, syncFolder } from "./folders.ts";
export { acquireLock, LockedError } from "./lock.mjs";
export { openRegularFile, type RegularFile } from "./open-regular.ts";
export { identityOf, isGone, type ProcessIdentity } from "./process-identity.mjs";
export { type ExpectedBytes, verifiedBytes } from "./verified-bytes.ts";
export { writeFileAtomic } from "./write-file.ts";
