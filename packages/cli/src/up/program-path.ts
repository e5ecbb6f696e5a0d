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
