#!/usr/bin/env node
// stagefold-bundle-library FOLDER FILE…: puts each module, with the packages that it loads, into one file of the
// folder. Such a file is copied as it is to where nothing is installed, so it carries the licences of what is in it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";
import { isAboutOurs } from "./warnings.mjs";

/** The folder of the package that a module belongs to. @param {string} file @returns {string} */
function packageOf(file) {
  const folder = dirname(file);
  return existsSync(join(folder, "package.json")) && "name" in manifest(folder) ? folder : packageOf(folder);
}

/** @param {string} folder @returns {{ name?: string, version?: string, license?: string }} */
const manifest = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** @param {string} folder */
function notice(folder) {
  const { name, version, license } = manifest(folder);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}`.replaceAll("*/", "* /");
}

/** @param {string} file @param {string} folder */
async function bundle(file, folder) {
  const built = await rolldown({
    input: file,
    platform: "node",
    onLog: (level, log) => {
      if (level === "warn" && isAboutOurs(log)) throw new Error(log.message);
    },
  });
  /** @param {import("rolldown").RenderedChunk} chunk */
  const banner = ({ moduleIds }) => {
    const installed = moduleIds.filter((id) => id.includes("node_modules") && !id.startsWith("\0"));
    const packages = new Set(installed.map((id) => packageOf(id)));
    return `/*! Bundled from:\n\n${[...packages].map(notice).join("\n\n----\n\n")}\n*/`;
  };
  await built.write({
    file: join(folder, basename(file)),
    format: "esm",
    minify: true,
    codeSplitting: false,
    postBanner: banner,
  });
  await built.close();
}

const [folder, ...files] = process.argv.slice(2);
if (folder === undefined) throw new Error("expected a folder and files");
for (const file of files) await bundle(resolve(file), resolve(folder));
