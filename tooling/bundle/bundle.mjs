#!/usr/bin/env node
// stagefold-bundle dist/main.js …: puts a built program and all that it always loads into one file, in its own place, and
// what it loads when first needed into files beside it (main.NAME.js). Node takes half its time to start such a program to
// find, read and link a thousand modules.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";
import { isAboutOurs } from "./warnings.mjs";

/** They find files of their own, or are large and loaded when first needed. */
const APART = /^(?:jiti|ai|@(?:ai-sdk|opentelemetry)\/.+)$/;

/** @param {string} from @param {string} to */
function relativeTo(from, to) {
  const path = relative(from, to).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

/**
 * The workspace that a file belongs to.
 * @param {string} file
 * @returns {{ folder: string, name: string, entry: string, dependencies: Record<string, string> }}
 */
function workspaceOf(file) {
  let folder = dirname(file);
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  const { name, exports, dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return { folder, name, entry: join(folder, exports?.["."]?.default ?? "index.js"), dependencies };
}

/**
 * What the bundle asks for by name is found where the bundle is installed: beside it, as its own dependency.
 * @param {ReturnType<typeof workspaceOf>} own @returns {import("rolldown").Plugin}
 */
function apart(own) {
  return {
    name: "apart",
    resolveId: (id) => (APART.test(id) ? { id, external: true } : null),
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        const imported = [...chunk.imports, ...chunk.dynamicImports].filter((name) => APART.test(name));
        const resolved = [...chunk.code.matchAll(/import\.meta\.resolve\("([^"]+)"\)/g)].map(
          ([, path = ""]) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path,
        );
        for (const name of [...imported, ...resolved])
          if (!(name in own.dependencies))
            throw new Error(`${own.name}: its bundle loads ${name} by name; add it to its dependencies`);
      }
    },
  };
}

/**
 * What a module of ours finds from its own address is still there, also where each workspace is installed as a package
 * of its own. Its map leads on to the sources.
 * @param {string} folder of the bundle @param {ReturnType<typeof workspaceOf>} own @returns {import("rolldown").Plugin}
 */
function ownAddress(folder, own) {
  return {
    name: "own-address",
    load(id) {
      if (id.includes("node_modules") || !id.endsWith(".js")) return null;
      const map = `${id}.map`;
      const maps = existsSync(map) ? { map: JSON.parse(readFileSync(map, "utf8")) } : {};
      const code = readFileSync(id, "utf8");
      if (!code.includes("import.meta.url")) return { code, ...maps };
      const theirs = workspaceOf(id);
      const [from, base] =
        theirs.folder === own.folder
          ? [folder, "import.meta.url"]
          : [dirname(theirs.entry), `import.meta.resolve(${JSON.stringify(theirs.name)})`];
      return {
        code: withAddress(code, `new URL(${JSON.stringify(relativeTo(from, id))}, ${base}).href`),
        ...maps,
      };
    },
  };
}

/**
 * The code with another expression in place of `import.meta.url`, but not in a text: pipelines write modules.
 * @param {string} code @param {string} address
 */
function withAddress(code, address) {
  let changed = code;
  for (const { start, end } of addressesIn(parseAst(code)).sort((a, b) => b.start - a.start))
    changed = changed.slice(0, start) + address + changed.slice(end);
  return changed;
}

/** @param {unknown} node of a syntax tree @returns {{ start: number, end: number }[]} */
function addressesIn(node) {
  if (typeof node !== "object" || node === null) return [];
  const { type, object, property, start, end } = /** @type {any} */ (node);
  if (type === "MemberExpression" && object.type === "MetaProperty" && property.name === "url")
    return [{ start, end }];
  return Object.values(node).flatMap(addressesIn);
}

/**
 * The notices of the installed packages whose code is in a bundle, which their licences ask for.
 * @param {readonly string[]} modules
 */
function notices(modules) {
  const folders = new Set(
    modules.flatMap(
      (id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id.replaceAll("\\", "/")) ?? [],
    ),
  );
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const files = readdirSync(folder).filter((one) => /^(licen[cs]e|notice|copying)/i.test(one));
    const found = files.map((one) => readFileSync(join(folder, one), "utf8").trim());
    return [`${name} ${version} (${license})`, ...found].join("\n\n");
  });
  return `${[...new Set(texts)].sort().join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

/** @param {string} file */
async function bundle(file) {
  const folder = dirname(file);
  const own = workspaceOf(file);
  const built = await rolldown({
    input: file,
    platform: "node",
    plugins: [apart(own), ownAddress(folder, own)],
    onLog: (level, log) => {
      // What is loaded when first needed by one module may be loaded at once by another of the same program.
      if (level !== "warn" || log.code === "INEFFECTIVE_DYNAMIC_IMPORT") return;
      if (isAboutOurs(log)) throw new Error(log.message);
      // Remarks about the bundler itself, such as how long its plugins took, and about installed packages.
      process.stderr.write(`${log.message}\n`);
    },
  });
  const name = basename(file, ".js");
  // What an earlier build loaded when first needed.
  for (const entry of readdirSync(folder))
    if (new RegExp(`^${name}\\d*\\.[^.]+\\.js(?:\\.map)?$`).test(entry)) rmSync(join(folder, entry));
  const { output } = await built.write({
    dir: folder,
    entryFileNames: `${name}.js`,
    // In the same folder, so that an address relative to the program is the same in each.
    chunkFileNames: `${name}.[name].js`,
    format: "esm",
    sourcemap: true,
  });
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
  writeFileSync(file.replace(/\.js$/, ".notices.txt"), notices(modules));
  await built.close();
}

for (const file of process.argv.slice(2)) await bundle(resolve(file));
