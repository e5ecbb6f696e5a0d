// Plain JavaScript, as everything that `npm start` needs before anything is installed or built.

/**
 * The code of an error of the operating system (`ENOENT` …); undefined for any other error.
 * @param {unknown} error
 * @returns {string | undefined}
 */
export function errorCode(error) {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** What an operator can act on; every other code stands for itself. @type {Readonly<Record<string, string>>} */
const REASONS = {
  EACCES: "the access is denied",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than the system allows",
  EISDIR: "there is a folder of this name",
  ELOOP: "there is a symbolic link of this name",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long for the file system",
  ENFILE: "too many files are open",
  ENOENT: "the folder cannot be created, or is gone",
  ENOSPC: "the disk is full",
  ENOTDIR: "there is a file where a folder is needed",
  EPERM: "the access is denied",
  EROFS: "the file system is read-only",
  EXDEV: "the folder for temporary files is on another file system",
};

/**
 * Why the system refused, for people, without any path: "the disk is full (ENOSPC)". Undefined for other errors.
 * @param {unknown} error
 * @returns {string | undefined}
 */
export function fsReason(error) {
  const code = errorCode(error);
  if (code === undefined) return undefined;
  const reason = REASONS[code];
  return reason === undefined ? code : `${reason} (${code})`;
}
