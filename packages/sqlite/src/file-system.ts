import { closeSync, fchmodSync, openSync, readFileSync, statfsSync } from "node:fs";
import { resolve } from "node:path";

/** Linux's numbers of file systems over a network, on which SQLite's locks and shared memory do not work. */
const NETWORK: Readonly<Record<number, string>> = {
  26985: "NFS",
  20859: "SMB",
  4283649346: "CIFS",
  4266872130: "SMB2",
  1397113167: "AFS",
  1937076805: "Coda",
  22092: "NCP",
  16914839: "9P",
  12805120: "Ceph",
  198183888: "Lustre",
  428016422: "BeeGFS",
  1196443219: "GPFS",
  1952539503: "OCFS2",
  18225520: "GFS2",
};
const FUSE = 0x65735546;
/** Parts of the names by which programs that mount remote files in user space call themselves. */
const REMOTE_FUSE =
  /ssh|s3|gcs|nfs|smb|cifs|dav|gluster|ceph|rclone|goofys|blob|juice|curlftp|drive|moose|lizard/i;

/** The name of the network file system that a folder is on; undefined for a local one, and where none can be told. */
export function networkFileSystem(folder: string, typeOf = fileSystemType): string | undefined {
  const type = typeOf(folder);
  if (type !== FUSE) return NETWORK[type];
  const name = mountType(folder);
  return name !== undefined && REMOTE_FUSE.test(name) ? name : undefined;
}

function fileSystemType(folder: string): number {
  // The kernel's signed 32 bits: CIFS is negative there.
  return process.platform === "linux" ? Number(statfsSync(folder).type) >>> 0 : 0;
}

/** The type of the mount that a folder is on, such as `fuse.sshfs`. */
function mountType(folder: string): string | undefined {
  const path = `${resolve(folder)}/`;
  let best: { readonly at: string; readonly type: string } | undefined;
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [mount, options] = line.split(" - ");
    const at = mount?.split(" ")[4]?.replace(/\\040/g, " ");
    const type = options?.split(" ")[0];
    if (at === undefined || type === undefined) continue;
    const within = path.startsWith(at.endsWith("/") ? at : `${at}/`);
    if (within && at.length >= (best?.at.length ?? 0)) best = { at, type };
  }
  return best?.type;
}

/** Makes an empty file for its owner alone, whatever the umask; SQLite gives its other files the same rights. */
export function makePrivateFile(path: string): void {
  const file = openSync(path, "a", 0o600);
  try {
    fchmodSync(file, 0o600);
  } finally {
    closeSync(file);
  }
}
