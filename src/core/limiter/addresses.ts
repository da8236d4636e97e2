// Addresses as limits count them, and networks with their own limits.

import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import type { Policy } from "../ports.ts";

/** A network of IPv4 or IPv6. A network of IPv4-mapped IPv6 addresses is read as the IPv4 network. */
export interface Network {
  /** In the one spelling that equal networks share: `192.0.2.0/24`, `2001:db8::/32`. */
  readonly text: string;
  readonly prefix: number;
  readonly start: Address;
}

type Address = ReturnType<typeof ipaddr.process>;

/** A network whose addresses have a limit of their own; undefined is off. */
export interface AddressOverride {
  readonly network: Network;
  readonly policy: Policy | undefined;
}

/** IPv6 addresses are counted by this prefix length: the smallest network that a site is given (RFC 6177). */
const COUNTED_BITS = 64;
const COUNTED_END = `/${COUNTED_BITS}`;
/** The bits that IPv4-mapped IPv6 addresses share (RFC 4291, 2.5.5.2). */
const MAPPED_BITS = 96;
/** The prefix under which NAT64 writes IPv4 addresses (RFC 6052, 2.1). */
const NAT64 = ipaddr.IPv6.parse("64:ff9b::");
const NAT64_BITS = 96;
const WRITE = "Write for example 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";

/**
 * Reads a network, or an address as a network of one.
 * @throws Error that says, as the end of a sentence, what is wrong with it and what to write
 */
export function readNetwork(text: string): Network {
  const [start = "", length, ...rest] = text.split("/");
  const isShaped = rest.length === 0 && (length === undefined || /^(?:0|[1-9]\d{0,2})$/.test(length));
  if (!isShaped || !isAddress(start)) {
    throw new Error(`names ${text}, which is neither an address nor a network. ${WRITE}`);
  }
  const bits = isIPv4(start) ? 32 : 128;
  const given = length === undefined ? bits : Number(length);
  if (given > bits) throw new Error(`names ${text}, but an address has no more than ${bits} bits. ${WRITE}`);

  const unmapped = ipaddr.process(start);
  const isMapped = bits === 128 && unmapped.kind() === "ipv4" && given >= MAPPED_BITS;
  const address = isMapped ? unmapped : ipaddr.parse(start);
  const prefix = isMapped ? given - MAPPED_BITS : given;
  const first = startOf(address, prefix);
  if (first.toString() !== address.toString()) {
    throw new Error(`names ${text}, an address in the network ${first}/${prefix}. Write that, or ${address} alone`);
  }
  return { text: `${first}/${prefix}`, prefix, start: first };
}

/** Reads a network whose addresses can be counted apart from others. @throws Error as `readNetwork` does */
export function readLimitedNetwork(text: string): Network {
  const network = readNetwork(text);
  if (network.start.kind() === "ipv4" || network.prefix <= COUNTED_BITS) return network;
  const counted = `${startOf(network.start, COUNTED_BITS)}${COUNTED_END}`;
  throw new Error(`names ${text}, but IPv6 addresses count by ${COUNTED_END}. Write ${counted}`);
}

/** Finds the value of the smallest network that holds an address; undefined if no network does, or the text is not an address. */
export function createNetworkTable<Value>(
  entries: Iterable<readonly [Network, Value]>,
): (address: string) => Value | undefined {
  const longestFirst = [...entries].sort(([one], [other]) => other.prefix - one.prefix);
  return (text) => {
    if (!isAddress(text)) return undefined;
    const address = ipaddr.process(text);
    const isIn = ([{ start, prefix }]: readonly [Network, Value]): boolean =>
      start.kind() === address.kind() && address.match(start, prefix);
    return longestFirst.find(isIn)?.[1];
  };
}

/** The policy of an address as `limitAddress` writes it; undefined is off. */
export function createAddressLimits(
  usual: Policy | undefined,
  overrides: readonly AddressOverride[],
): (address: string) => Policy | undefined {
  if (overrides.length === 0) return () => usual;
  const find = createNetworkTable(overrides.map((override) => [override.network, override] as const));
  return (address) => {
    const start = address.endsWith(COUNTED_END) ? address.slice(0, -COUNTED_END.length) : address;
    const override = find(start);
    return override === undefined ? usual : override.policy;
  };
}

/**
 * The address that limits count under: IPv4 as it is, IPv4-mapped IPv6 and NAT64 by the IPv4 address inside, other IPv6 by
 * its /64.
 */
export function limitAddress(remoteAddress: string): string {
  // The usual case: the form in which sockets write IPv4.
  if (isIPv4(remoteAddress)) return remoteAddress;
  if (!ipaddr.isValid(remoteAddress)) return "unknown";
  const address = ipaddr.process(remoteAddress);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  if (address.match(NAT64, NAT64_BITS)) return new ipaddr.IPv4(address.toByteArray().slice(12)).toString();
  return `${new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]).toString()}${COUNTED_END}`;
}

/** The first address of the network that an address lies in. */
function startOf(address: Address, prefix: number): Address {
  const cidr = `${address}/${prefix}`;
  return address.kind() === "ipv4"
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr)
    : ipaddr.IPv6.networkAddressFromCIDR(cidr);
}

/** Stricter than the library, which reads `1` and `0x7f.1` as addresses too. */
function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes("%") && ipaddr.IPv6.isValid(text));
}
