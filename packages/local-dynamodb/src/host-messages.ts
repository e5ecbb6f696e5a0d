/** What the dynalite host tells its owner. */
export type HostMessage =
  /** Repairing takes its time: a sign of life. */
  | { type: "repairing"; items: number }
  | { type: "repaired"; tables: number; items: number; index_rows: number; duration_ms: number }
  | { type: "listening" };

/** What the owner tells the dynalite host. (A signal would do, but Windows has none that can be caught.) */
export const CLOSE = "close";

export interface HostArguments {
  /** The engine's folder: LevelDB in `level/`, the mark of a clean stop in `clean`. */
  dir: string;
  port: number;
}

export function isHostMessage(value: unknown): value is HostMessage {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  switch (value.type) {
    case "listening":
      return true;
    case "repairing":
      return "items" in value && typeof value.items === "number";
    case "repaired":
      return ["tables", "items", "index_rows", "duration_ms"].every(
        (name) => typeof Reflect.get(value, name) === "number",
      );
    default:
      return false;
  }
}
