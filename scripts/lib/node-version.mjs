// Imported first by every command. It uses nothing that an old Node lacks, so that the reader gets
// this sentence and not a syntax error.
const required = /** @type {const} */ ([20, 19]);
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < required[0] || (major === required[0] && minor < required[1])) {
  console.error(
    `Stagefold needs Node ${required.join(".")} or later; this is Node ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(1);
}
