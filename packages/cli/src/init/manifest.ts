import { CliError, EXIT } from "../exit.ts";

type Table = Readonly<Record<string, string>>;

/** The fields of a package.json that a project of Stagefold needs; the rest of a file stays as it is. */
export interface Manifest {
  readonly type?: string;
  readonly scripts?: Table;
  readonly dependencies?: Table;
  readonly devDependencies?: Table;
}

const SCRIPTS: Table = {
  start: "stagefold up --pipelines pipelines",
  build: "tsx scripts/build.ts",
  test: "node --import tsx --test test/word-count.test.ts",
  typecheck: "tsc",
};
/** What `npm init` writes where there are no tests. */
const NO_TESTS = /^echo "Error: no test specified"/;
/** All that a file has which a package manager made for what it installed. */
const INSTALLED = ["name", "version", "private", "dependencies", "devDependencies"];

const DEV_DEPENDENCIES: Table = { "@types/node": "^20.19.0", tsx: "^4.20.0", typescript: ">=5.9" };

/** The packages of Stagefold are released together: all have this version. */
function dependencies(version: string): Table {
  const own = `^${version}`;
  return { "@stagefold/client": own, "@stagefold/pipeline": own, stagefold: own, zod: "^4.1.0" };
}

/**
 * The manifest with what is missing for the template's files; what is there is not changed. `before` is undefined
 * where there is no file. One that `npm init` has just written, or an install in an empty folder, becomes a module.
 */
export function withStagefold(before: Manifest | undefined, version: string): Manifest {
  const scripts = before?.scripts ?? {};
  const isNew =
    before === undefined ||
    NO_TESTS.test(scripts.test ?? "") ||
    Object.keys(before).every((field) => INSTALLED.includes(field));
  const kept = Object.entries(scripts).filter(([name, text]) => name !== "test" || !NO_TESTS.test(text));
  const { devDependencies: dev = {}, dependencies: run = {} } = before ?? {};
  return {
    ...(before ?? { private: true }),
    ...(isNew && { type: "module" }),
    scripts: { ...SCRIPTS, ...Object.fromEntries(kept) },
    dependencies: sorted({ ...without(dependencies(version), dev), ...run }),
    devDependencies: sorted({ ...without(DEV_DEPENDENCIES, run), ...dev }),
  };
}

function without(wanted: Table, there: Table): Table {
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => !(name in there)));
}

function sorted(table: Table): Table {
  return Object.fromEntries(Object.entries(table).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Errors: CliError for a text that is no manifest; the file is then left as it is. */
export function parseManifest(text: string, path: string): Manifest {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw new CliError(`${path}: expected JSON`, EXIT.failed, { cause });
  }
  if (!isManifest(found)) throw new CliError(`${path}: expected a package's manifest`, EXIT.failed);
  return found;
}

const isTable = (value: unknown): boolean =>
  value === undefined ||
  (typeof value === "object" &&
    value !== null &&
    Object.values(value).every((one) => typeof one === "string"));

function isManifest(value: unknown): value is Manifest {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    ["scripts", "dependencies", "devDependencies"].every((name) => isTable(Reflect.get(value, name)))
  );
}
