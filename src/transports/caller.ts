// Who is calling: the address that limits count under, and the id a log line goes by. Knows sockets, and no service.

import { type ContextValues, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import ipaddr from "ipaddr.js";
import type { Caller } from "../core/login.ts";
import { createRandomIds } from "../core/random-ids.ts";

const NOBODY: Caller = { address: "unknown", requestId: "-", via: "none" };

const nextRequestId = createRandomIds(9);

const callerKey = createContextKey<Caller>(NOBODY, { description: "caller" });

/** The caller of a request that a transport accepted with `valuesOf`. */
export function callerOf(context: Pick<HandlerContext, "values">): Caller {
  return context.values.get(callerKey);
}

/** Context values that hold a caller. */
export function valuesOf(caller: Caller): ContextValues {
  return createContextValues().set(callerKey, caller);
}

/** A caller at the other end of a socket. `via` names the protocol. */
export function createCaller(remoteAddress: string | undefined, via: string): Caller {
  return { address: limitAddress(remoteAddress ?? ""), requestId: nextRequestId(), via };
}

/**
 * The address that limits count under: IPv4 as it is, IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) unmapped, other IPv6 by its
 * /64, the least that a customer of an access network is given (RFC 6177).
 */
export function limitAddress(remoteAddress: string): string {
  // As a socket writes it, and by far the most common.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(remoteAddress)) return remoteAddress;
  if (!ipaddr.isValid(remoteAddress)) return NOBODY.address;
  const address = ipaddr.process(remoteAddress);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  return `${new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}
