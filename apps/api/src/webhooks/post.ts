import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP } from "node:net";

/** How long a receiver may take. Milliseconds. */
const TIMEOUT_MS = 10_000;

/** What a receiver answered, or why there is no answer. */
export type PostResult = { readonly status: number } | { readonly error: string };

/** Addresses that are not of the public network: of this machine, of private networks, and of services of a cloud. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  PRIVATE.addSubnet(network, bits, "ipv4");
for (const [network, bits] of [
  ["::", 96],
  ["64:ff9b::", 96],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  PRIVATE.addSubnet(network, bits, "ipv6");

export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return PRIVATE.check(mapped, "ipv4");
  // What a URL makes of an IPv4 address inside an IPv6 one.
  if (/^::ffff:/i.test(address)) return true;
  return PRIVATE.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

export interface PostOptions {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether addresses of this machine and of private networks are allowed. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal;
}

/** Posts JSON. Follows no redirect, reads no more than the status. Never rejects. */
export function post({ url, body, headers, allowPrivate, signal }: PostOptions): Promise<PostResult> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, "");
  if (!allowPrivate && isIP(host) !== 0 && isPrivateAddress(host))
    return Promise.resolve({ error: `${host} is a private address` });
  const request = target.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const sent = request(target, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      // The address that was looked at is the one that is connected to: a second lookup may answer differently.
      ...(!allowPrivate && { lookup: publicLookup }),
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
    });
    sent.once("response", (response) => {
      resolve({ status: response.statusCode ?? 0 });
      response.destroy();
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const timedOut = error.name === "AbortError" || error.name === "TimeoutError";
      resolve({
        error: timedOut ? `no answer within ${TIMEOUT_MS / 1000} s` : (error.code ?? error.message),
      });
    });
    sent.end(body);
  });
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

function publicLookup(host: string, options: LookupOptions, callback: LookupCallback): void {
  lookup(host, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, "");
    const allowed = found.filter(({ address }) => !isPrivateAddress(address));
    const [first] = allowed;
    if (!first) return callback(new Error(`${host} has private addresses alone`), "");
    if (options.all) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
}
