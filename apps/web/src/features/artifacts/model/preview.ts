import type { Artifact } from "./artifact.ts";
import { nameOf } from "./artifact.ts";

/** How a file is shown. Languages are those that the highlighter has. */
export type Preview =
  | { readonly kind: "image" }
  | { readonly kind: "text"; readonly language?: Language; readonly drawn?: Drawn }
  | { readonly kind: "binary" };

/** How a text is shown besides as a text. */
export type Drawn = "markdown" | "table" | "json" | "svg";

export type Language =
  | "bash"
  | "css"
  | "diff"
  | "dockerfile"
  | "ini"
  | "javascript"
  | "json"
  | "markdown"
  | "python"
  | "sql"
  | "typescript"
  | "xml"
  | "yaml";

/** By the end of the name. */
const BY_EXTENSION = new Map<string, Language | "text">([
  ...entries("yaml", ["yaml", "yml"]),
  ...entries("json", ["json", "jsonl", "ndjson", "map", "webmanifest"]),
  ...entries("javascript", ["js", "mjs", "cjs", "jsx"]),
  ...entries("typescript", ["ts", "mts", "cts", "tsx"]),
  ...entries("python", ["py", "pyi"]),
  ...entries("markdown", ["md", "markdown", "mdx"]),
  ...entries("bash", ["sh", "bash", "zsh"]),
  ...entries("css", ["css"]),
  ...entries("xml", ["xml", "html", "htm", "svg"]),
  ...entries("sql", ["sql"]),
  ...entries("ini", ["toml", "ini", "cfg", "conf", "properties"]),
  ...entries("diff", ["diff", "patch"]),
  ...entries("dockerfile", ["dockerfile"]),
  ...entries("text", ["txt", "log", "csv", "tsv", "env", "gitignore", "license", "lock"]),
]);

/** By the recorded type, where the name says nothing. */
const BY_TYPE = new Map<string, Language | "text">([
  ["application/yaml", "yaml"],
  ["application/x-yaml", "yaml"],
  ["text/yaml", "yaml"],
  ["application/json", "json"],
  ["text/javascript", "javascript"],
  ["application/javascript", "javascript"],
  ["text/x-python", "python"],
  ["text/markdown", "markdown"],
  ["text/html", "xml"],
  ["image/svg+xml", "xml"],
  ["text/css", "css"],
]);

const DRAWN = new Map<string, Drawn>([
  ["md", "markdown"],
  ["markdown", "markdown"],
  ["csv", "table"],
  ["tsv", "table"],
  ["json", "json"],
  ["ipynb", "json"],
  ["svg", "svg"],
]);
const DRAWN_TYPES = new Map<string, Drawn>([
  ["text/markdown", "markdown"],
  ["text/csv", "table"],
  ["text/tab-separated-values", "table"],
  ["application/json", "json"],
  ["image/svg+xml", "svg"],
]);

/** Image types that a browser shows without running anything. Others are served as text or as bytes. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

export function previewOf(artifact: Pick<Artifact, "path" | "media_type">): Preview {
  const type = artifact.media_type?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (IMAGES.has(type)) return { kind: "image" };
  const name = nameOf(artifact.path).toLowerCase();
  const extension = name.slice(name.lastIndexOf(".") + 1);
  const known = BY_EXTENSION.get(extension) ?? BY_TYPE.get(type);
  const drawn = DRAWN.get(extension) ?? DRAWN_TYPES.get(type);
  const also = drawn !== undefined && { drawn };
  if (known === "text" || (known === undefined && drawn !== undefined)) return { kind: "text", ...also };
  if (known !== undefined) return { kind: "text", language: known, ...also };
  // Neither name nor type says what it is: whether it is text, its bytes say.
  const unknown = type === "application/octet-stream" && !name.slice(1).includes(".");
  if (type === "" || unknown || type.startsWith("text/") || /[+/](json|yaml|xml|toml)$/.test(type))
    return { kind: "text" };
  return { kind: "binary" };
}

/** Whether bytes are text in UTF-8: no zero byte among them, and all of it valid. Undefined when they are not. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 8192).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function entries(value: Language | "text", names: readonly string[]): [string, Language | "text"][] {
  return names.map((name) => [name, value]);
}
