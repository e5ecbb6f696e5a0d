import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The shell first: it draws the same pages without the windows of a browser around them, for a third of the computing. */
const NAMES = [
  ...["chromium-headless-shell", "chrome-headless-shell"],
  ...["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"],
];

/** Where the browser is that the tests drive: CHROMIUM_PATH, or one on the PATH. */
export const chromiumPath: string | undefined = process.env.CHROMIUM_PATH || onPath();

/** Why the tests in a browser do not run here; part of their names, so that a report says it. */
export const skipReason =
  chromiumPath === undefined ? " (skipped: no Chromium on the PATH or at CHROMIUM_PATH)" : "";

function onPath(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not here, or nothing that can be run: the next place is looked at.
    return false;
  }
}
