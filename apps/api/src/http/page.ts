import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { errorCode } from "@stagefold/node-files";
import express, { type RequestHandler, Router } from "express";
import { compressed } from "./compressed.ts";

/** What is never a page, whatever the browser asks for. */
const NOT_PAGES = /^\/(trpc|artifacts|healthz|readyz|metrics|assets)(\/|$)/;
const YEAR = "public, max-age=31536000, immutable";

/**
 * Serves the dashboard's build. Files under `assets/` have their content's hash in their names and are kept by browsers;
 * every other address that a browser opens is one of the dashboard's own.
 */
export function pageRoutes(folder: string | undefined, base: string): Router {
  const routes = Router();
  routes.use(compressed());
  if (folder !== undefined)
    routes.use(
      packed(folder),
      express.static(folder, {
        dotfiles: "ignore",
        redirect: false,
        index: false,
        setHeaders: (res, path) =>
          res.setHeader("cache-control", path.startsWith(join(folder, "assets")) ? YEAR : "no-cache"),
      }),
    );
  routes.use(onlyPages, async (_req, res) => {
    const page = folder === undefined ? undefined : await readPage(folder);
    if (page === undefined) {
      res
        .status(503)
        .type("text/plain")
        .send("The dashboard has not been built. Build it with: npm run build\n");
      return;
    }
    res.setHeader("cache-control", "no-cache");
    // It names its files by their places beside it, but it is at many addresses.
    res.type("html").send(page.replaceAll(/((?:href|src|content)=")\.\//g, `$1${base}/`));
  });
  return routes;
}

const ENCODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/** Sends what the build has packed already in the place of the file itself. Other files are compressed on the way. */
function packed(folder: string): RequestHandler {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  const there = new Set(files.map((file) => `/${file.replaceAll(sep, "/")}`));
  return (req, res, next) => {
    const { path } = req;
    const [encoding, ending] =
      ENCODINGS.find(([name, end]) => there.has(path + end) && req.acceptsEncodings(name)) ?? [];
    if (encoding !== undefined) {
      res
        .vary("accept-encoding")
        .type(path.slice(path.lastIndexOf(".")))
        .setHeader("content-encoding", encoding);
      req.url = path + ending;
    }
    next();
  };
}

/** Undefined where the dashboard has not been built. */
async function readPage(folder: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, "index.html"), "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

const onlyPages: RequestHandler = (req, _res, next) => {
  const wanted = (req.method === "GET" || req.method === "HEAD") && !NOT_PAGES.test(req.path);
  // What asks for anything at all, such as curl, is shown the page at its own address alone.
  const html = req.path === "/" ? req.accepts("html") : req.headers.accept?.includes("text/html");
  if (wanted && html) next();
  else next("router");
};
