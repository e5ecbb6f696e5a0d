import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/**
 * The caller's address as `hops` proxies tell it: each adds the address that it was asked from, the nearest one last, so
 * that what a caller claims itself stands before theirs and is not looked at. `Forwarded` counts where there is no
 * `X-Forwarded-For`. Undefined where neither is there, or no address is where it should be.
 */
export function forwardedAddress({ headers }: IncomingMessage, hops: number): string | undefined {
  const told = headers["x-forwarded-for"] ?? headers.forwarded;
  if (told === undefined) return undefined;
  const all = [told].flat().join(",").split(",");
  const one = all.at(-Math.min(hops, all.length)) ?? "";
  return addressIn(headers["x-forwarded-for"] === undefined ? (forOf(one) ?? "") : one);
}

/** `for=192.0.2.60;proto=http`: the first of it, without quotes. */
function forOf(element: string): string | undefined {
  return /(?:^|;)\s*for=("?)([^";]*)\1/i.exec(element.trim())?.[2];
}

/** An address without its port: `192.0.2.1:80` and `[2001:db8::1]:80` too. */
function addressIn(text: string): string | undefined {
  const trimmed = text.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^([\d.]+):\d+$/.exec(trimmed)?.[1] ?? trimmed;
  return isIP(bare) === 0 ? undefined : bare;
}
