export { type ExportSize, type LegacyTable, legacyExport } from "./legacy-export.ts";
