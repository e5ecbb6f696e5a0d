import type { IncomingMessage } from "node:http";

/** The path that browsers see before every address, such as `/builds`; empty where there is none. */
export function basePathOf(publicUrl: URL | undefined): string {
  return publicUrl?.pathname.replace(/\/+$/, "") ?? "";
}

/** Takes the path before an address away where the proxy left it there: routes are the same with it and without. */
export function stripBasePath(req: IncomingMessage, base: string): void {
  const { url = "/" } = req;
  if (base === "" || !url.startsWith(base)) return;
  const rest = url.slice(base.length);
  if (rest === "" || rest.startsWith("?")) req.url = `/${rest}`;
  else if (rest.startsWith("/")) req.url = rest;
}
