import { existsSync } from "node:fs";
import { join } from "node:path";
import express, { type RequestHandler, Router } from "express";
import { compressed } from "./compressed.ts";

/** What is never a page, whatever the browser asks for. */
const NOT_PAGES = /^\/(trpc|artifacts|healthz|readyz|metrics|assets)(\/|$)/;
const YEAR = "public, max-age=31536000, immutable";

/**
 * Serves the dashboard's build. Files under `assets/` have their content's hash in their names and are kept by browsers;
 * every other address that a browser opens is one of the dashboard's own.
 */
export function pageRoutes(folder: string | undefined): Router {
  const routes = Router();
  routes.use(compressed());
  if (folder !== undefined)
    routes.use(
      express.static(folder, {
        dotfiles: "ignore",
        redirect: false,
        index: false,
        setHeaders: (res, path) =>
          res.setHeader("cache-control", path.startsWith(join(folder, "assets")) ? YEAR : "no-cache"),
      }),
    );
  routes.use(onlyPages, (_req, res) => {
    if (folder === undefined || !existsSync(join(folder, "index.html"))) {
      res
        .status(503)
        .type("text/plain")
        .send("The dashboard has not been built. Build it with: npm run build\n");
      return;
    }
    res.setHeader("cache-control", "no-cache");
    res.sendFile("index.html", { root: folder });
  });
  return routes;
}

const onlyPages: RequestHandler = (req, _res, next) => {
  const wanted = (req.method === "GET" || req.method === "HEAD") && !NOT_PAGES.test(req.path);
  // What asks for anything at all, such as curl, is shown the page at its own address alone.
  const html = req.path === "/" ? req.accepts("html") : req.headers.accept?.includes("text/html");
  if (wanted && html) next();
  else next("router");
};
