// Which `address` policy counts for whom: the usual one, or that of the smallest network that has one of its own. Knows no
// transport and no setting.

import { isIPv4 } from "node:net";
import ipaddr from "ipaddr.js";
import type { Policy } from "../ports.ts";
import { createNetworkTable, type Network, readNetwork, widen } from "./networks.ts";

/** A network whose addresses have a limit of their own. */
export interface AddressOverride {
  /** Of IPv6 at most /64, since addresses count by that. */
  readonly network: Network;
  /** Undefined: no limit. */
  readonly policy: Policy | undefined;
}

/** The policy of an address as limits count it, an IPv4 address or an IPv6 /64; undefined is off. */
type AddressPolicy = (address: string) => Policy | undefined;

/** What IPv6 addresses are counted by. */
const COUNTED_BITS = 64;
const COUNTED_END = `/${COUNTED_BITS}`;

/** The prefix under which NAT64 writes IPv4 addresses (RFC 6052, 2.1). */
const NAT64 = ipaddr.IPv6.parse("64:ff9b::");
const NAT64_BITS = 96;

/** Reads a network whose addresses can be counted apart from others. @throws Error as `readNetwork` does */
export function readLimitedNetwork(text: string): Network {
  const network = readNetwork(text);
  if (network.width === 32 || network.prefix <= COUNTED_BITS) return network;
  const { text: counted } = widen(network, COUNTED_BITS);
  throw new Error(`names ${text}, but IPv6 addresses count by ${COUNTED_END}. Write ${counted}`);
}

/** The policies of all addresses. */
export function createAddressLimits(usual: Policy | undefined, overrides: readonly AddressOverride[]): AddressPolicy {
  if (overrides.length === 0) return () => usual;
  const table = createNetworkTable(overrides.map((override) => [override.network, override] as const));
  return (address) => {
    const start = address.endsWith(COUNTED_END) ? address.slice(0, -COUNTED_END.length) : address;
    const override = table.find(start);
    return override === undefined ? usual : override.policy;
  };
}

/**
 * The address that limits count under: IPv4 as it is, IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) and NAT64 by the IPv4 address
 * inside, other IPv6 by its /64, the smallest network that a site is given (RFC 6177).
 */
export function limitAddress(remoteAddress: string): string {
  // As a socket writes it, and by far the most common.
  if (isIPv4(remoteAddress)) return remoteAddress;
  if (!ipaddr.isValid(remoteAddress)) return "unknown";
  const address = ipaddr.process(remoteAddress);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  if (address.match(NAT64, NAT64_BITS)) return new ipaddr.IPv4(address.toByteArray().slice(12)).toString();
  return `${new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
}
