// The caller's address, which limits count, and the request's id (docs/decisions/0009).

import { randomUUID } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { createNetworkTable, limitAddress, type Network } from "../core/limiter/addresses.ts";
import type { RequestCaller } from "../protocols/call.ts";
import type { Exchange } from "../protocols/exchange.ts";

/** Finds the caller of a request by the peer's address and, from a trusted proxy, by X-Forwarded-For. */
export type CallerFrom = (exchange: Pick<Exchange, "remoteAddress" | "headers">, protocol: string) => RequestCaller;

/** Whether an address is that of a proxy whose X-Forwarded-For is trusted. */
export type IsTrusted = (address: string) => boolean;

/** Creates the check whether an address is in one of the networks. */
export function trustNetworks(networks: readonly Network[]): IsTrusted {
  if (networks.length === 0) return () => false;
  const find = createNetworkTable(networks.map((network) => [network, true] as const));
  return (address) => find(address) ?? false;
}

/** Trusts these proxies; for a connection from another peer, the peer's own address counts. */
export function createCallerFrom(isTrusted: IsTrusted): CallerFrom {
  return ({ remoteAddress, headers }, protocol) => {
    const origin = isTrusted(remoteAddress)
      ? findOrigin(remoteAddress, headers["x-forwarded-for"]?.toString(), isTrusted)
      : remoteAddress;
    return { address: limitAddress(origin), requestId: randomUUID(), protocol };
  };
}

/** Most entries that are read. */
const MAX_HOPS = 32;

/**
 * The address of the caller behind a trusted peer: the rightmost entry that is not trusted. The search stops at an entry that is
 * not an address, since a stranger may have written the entries to its left.
 * @param list every line of X-Forwarded-For, joined with commas
 */
export function findOrigin(peer: string, list: string | undefined, isTrusted: IsTrusted): string {
  let origin = peer;
  let left = list;
  // From the right: reads the entries of trusted proxies and one more. Who is among the trusted may send thousands.
  for (let hops = 0; left !== undefined && hops < MAX_HOPS; hops++) {
    const comma = left.lastIndexOf(",");
    const address = readNode(left.slice(comma + 1).trim());
    if (address === undefined) return origin;
    origin = address;
    if (!isTrusted(origin)) return origin;
    left = comma === -1 ? undefined : left.slice(0, comma);
  }
  return origin;
}

/** An address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`. */
const NODE = /^(?:\[([\da-f:.]{2,45})\]|([\d.]{7,15}))(?::\d{1,5})?$|^([\da-f:.]{2,45})$/i;

/** The address of an entry; undefined for `unknown` and any other text. */
function readNode(node: string): string | undefined {
  const [, bracketed, ipv4, bare] = NODE.exec(node) ?? [];
  const address = bracketed ?? ipv4 ?? bare ?? "";
  const valid = isIPv6(address) || (bracketed === undefined && isIPv4(address));
  // Copied: a substring would hold the whole header in memory while a limit counts the address.
  return valid ? Buffer.from(address, "latin1").toString("latin1") : undefined;
}
