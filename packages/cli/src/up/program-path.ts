import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** Programs that run as processes of their own. */
export type ProgramName = "api" | "worker";

/** Address of the built program. */
export function programUrl(name: ProgramName): string {
  switch (name) {
    case "api":
      return import.meta.resolve("@stagefold/api/main");
    case "worker":
      return import.meta.resolve("@stagefold/worker/main");
    default:
      return name satisfies never;
  }
}

/** What the program is started with. The API knows no dashboard: it is told where its build is. */
export function programArgs(name: ProgramName): string[] {
  if (name !== "api") return [];
  return ["--page", dirname(fileURLToPath(import.meta.resolve("@stagefold/web/page")))];
}
