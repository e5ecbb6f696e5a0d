import { readFile } from "node:fs/promises";

/** Beside `src` and `dist` alike: the tools are modules that lint and tests see as they are. */
const ASSETS = new URL("../../assets/", import.meta.url);

const HEADER =
  "// Written by the Stagefold pipeline agent-build. Needs Node 20.19 or later and nothing else.\n";

/** The source of a tool of the catalogue, or of the runtime of agents. */
export async function assetSource(
  path: `tools/${string}.mjs` | `agent/${"runtime" | "serve"}.mjs`,
): Promise<string> {
  return HEADER + (await readFile(new URL(path, ASSETS), "utf8"));
}

/** Put into one file with its packages by the build. */
export async function builtSource(path: "agent/model.mjs"): Promise<string> {
  return await readFile(new URL(`../../dist/${path}`, import.meta.url), "utf8");
}
