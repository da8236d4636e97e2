// Who is calling: the address that limits count under, and the id a log line goes by. Knows sockets, and no service.

import type { IncomingHttpHeaders } from "node:http";
import { isIPv4 } from "node:net";
import { type ContextValues, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import ipaddr from "ipaddr.js";
import { FORWARDED_HEADERS, type ForwardedHeader } from "../core/forwarded-header.ts";
import { createNetworkTable, type Network } from "../core/limiter/networks.ts";
import { createRandomIds } from "../core/random-ids.ts";
import { findOrigin } from "./forwarded.ts";

/** Who sent a request, and how a log line tells of it. */
export interface RequestCaller {
  /** The address that limits count under: an IPv4 address or an IPv6 /64. */
  readonly address: string;
  /** Names the request in the log. */
  readonly requestId: string;
  /** The protocol it came by. */
  readonly protocol: string;
}

const NOBODY: RequestCaller = { address: "unknown", requestId: "-", protocol: "none" };

const nextRequestId = createRandomIds(9);

const callerKey = createContextKey<RequestCaller>(NOBODY, { description: "caller" });

/** The caller of a request that a transport accepted with `valuesOf`. */
export function callerOf(context: Pick<HandlerContext, "values">): RequestCaller {
  return context.values.get(callerKey);
}

/** Context values that hold a caller. */
export function valuesOf(caller: RequestCaller): ContextValues {
  return createContextValues().set(callerKey, caller);
}

/** Every line of a request's header, joined with commas; undefined when there is none. */
export type ReadHeader = (name: ForwardedHeader) => string | undefined;

/** Makes the caller of a request out of its peer's address and, where that is trusted, its headers. */
export type CallerFrom = (remoteAddress: string | undefined, protocol: string, readHeader: ReadHeader) => RequestCaller;

/** Proxies, and the one header by which all of them tell whom they speak for; undefined: one or the other, it is not known which. */
export interface TrustedProxies {
  readonly networks: readonly Network[];
  readonly header: ForwardedHeader | undefined;
}

/** A caller-maker that believes these proxies; without any, the peer's own address counts. */
export function createCallerFrom({ networks, header }: TrustedProxies): CallerFrom {
  if (networks.length === 0) return createCaller;
  const trusted = createNetworkTable(networks.map((network) => [network, true] as const));
  const isTrusted = (address: string): boolean => trusted.find(address) ?? false;
  const find = (peer: string, name: ForwardedHeader, readHeader: ReadHeader): string =>
    findOrigin(peer, name, () => readHeader(name), isTrusted);
  return (remoteAddress = "", protocol, readHeader) => {
    if (header !== undefined) return createCaller(find(remoteAddress, header, readHeader), protocol);
    const origins = FORWARDED_HEADERS.filter((name) => readHeader(name) !== undefined).map((name) =>
      find(remoteAddress, name, readHeader),
    );
    // Of two that disagree a stranger wrote one, and nobody knows which: neither is believed.
    const [origin = remoteAddress, other = origin] = origins;
    return createCaller(limitAddress(origin) === limitAddress(other) ? origin : remoteAddress, protocol);
  };
}

/** Reads headers as Node has them, over HTTP/1 and HTTP/2; they are looked at only once asked for. */
export function headersOf(request: { readonly headers: IncomingHttpHeaders }): ReadHeader {
  return (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(",") : value;
  };
}

/** A caller at the other end of a socket. */
export function createCaller(remoteAddress: string | undefined, protocol: string): RequestCaller {
  return { address: limitAddress(remoteAddress ?? ""), requestId: nextRequestId(), protocol };
}

/**
 * The address that limits count under: IPv4 as it is, IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) unmapped, other IPv6 by its
 * /64, the least that a customer of an access network is given (RFC 6177).
 */
export function limitAddress(remoteAddress: string): string {
  // As a socket writes it, and by far the most common.
  if (isIPv4(remoteAddress)) return remoteAddress;
  if (!ipaddr.isValid(remoteAddress)) return NOBODY.address;
  const address = ipaddr.process(remoteAddress);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  return `${new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}
