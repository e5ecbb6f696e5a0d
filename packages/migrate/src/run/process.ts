/** Whether another process of this number lives: what it has laid down is in use. */
export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and is another user's.
    if (error instanceof Error && "code" in error && error.code === "EPERM") return true;
    return false;
  }
}
