// The caller's address, which limits count, and the request's id.

import { createRandomIds } from "../core/ids.ts";
import {
  createNetworkTable,
  FORWARDED_HEADERS,
  type ForwardedHeader,
  limitAddress,
  type Network,
} from "../core/limiter/addresses.ts";
import type { RequestCaller } from "../protocols/call.ts";
import type { Exchange } from "../protocols/exchange.ts";
import { findOrigin } from "./forwarded.ts";

const nextRequestId = createRandomIds(9);

/** Makes the caller of a request from its peer's address and, where a trusted proxy sent it, its headers. */
export type CallerFrom = (exchange: Pick<Exchange, "remoteAddress" | "headers">, protocol: string) => RequestCaller;

/** Proxies whose forwarding headers are trusted. */
export interface TrustedProxies {
  readonly isTrusted: (address: string) => boolean;
  /** The header they write; undefined: either. */
  readonly header: ForwardedHeader | undefined;
}

/** Creates the check whether an address is in one of the networks. */
export function trustNetworks(networks: readonly Network[]): TrustedProxies["isTrusted"] {
  if (networks.length === 0) return () => false;
  const find = createNetworkTable(networks.map((network) => [network, true] as const));
  return (address) => find(address) ?? false;
}

/** Trusts these proxies; for a connection from another peer, the peer's own address counts. */
export function createCallerFrom({ isTrusted, header }: TrustedProxies): CallerFrom {
  return (exchange, protocol) => {
    const { remoteAddress } = exchange;
    if (!isTrusted(remoteAddress)) return createCaller(remoteAddress, protocol);
    const find = (name: ForwardedHeader): string =>
      findOrigin(remoteAddress, name, () => linesOf(exchange.headers[name]), isTrusted);
    if (header !== undefined) return createCaller(find(header), protocol);
    const origins = FORWARDED_HEADERS.filter((name) => exchange.headers[name] !== undefined).map(find);
    // If two headers disagree, a stranger wrote one of them: neither is trusted.
    const [origin = remoteAddress, other = origin] = origins;
    return createCaller(limitAddress(origin) === limitAddress(other) ? origin : remoteAddress, protocol);
  };
}

function linesOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

function createCaller(remoteAddress: string, protocol: string): RequestCaller {
  return { address: limitAddress(remoteAddress), requestId: nextRequestId(), protocol };
}
