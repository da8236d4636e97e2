// Networks in CIDR notation: read from text, and found again by an address that lies in them. Knows no setting and no limit.

import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import { LRUCache } from "lru-cache";

/** A network of IPv4 or IPv6; one of IPv4-mapped IPv6 addresses is the IPv4 network. */
export interface Network {
  /** In the one spelling that equal networks share: `192.0.2.0/24`, `2001:db8::/32`. */
  readonly text: string;
  readonly prefix: number;
  /** The number of bits of an address. */
  readonly width: Width;
  /** Its first address as a number. */
  readonly first: bigint;
}

type Width = 32 | 128;
type Address = ReturnType<typeof ipaddr.process>;

/** Values by network. */
export interface NetworkTable<Value> {
  /** The value of the smallest network that an address lies in; undefined when it lies in none, or is no address. */
  find(address: string): Value | undefined;
}

/** The leading bits that all IPv4-mapped IPv6 addresses share (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = 96;
/** Answers kept: an address takes microseconds to read, and the same few ask again. */
const RECENT = 5_000;

const WRITE = "Write such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";

/**
 * Reads a network, or an address as a network of one.
 * @throws Error that says, as the end of a sentence, what is wrong with it and what to write
 */
export function readNetwork(text: string): Network {
  const [start = "", length, ...rest] = text.split("/");
  const isNetwork = rest.length === 0 && (length === undefined || /^(?:0|[1-9]\d{0,2})$/.test(length));
  if (!isNetwork || !isAddress(start) || start.includes("%")) {
    throw new Error(`names ${text}, which is neither an address nor a network. ${WRITE}`);
  }
  const whole = isIPv4(start) ? 32 : 128;
  const given = length === undefined ? whole : Number(length);
  if (given > whole) throw new Error(`names ${text}, but an address has no more than ${whole} bits. ${WRITE}`);

  const unmapped = ipaddr.process(start);
  const mapped = whole === 128 && widthOf(unmapped) === 32 && given >= MAPPED_PREFIX;
  const address = mapped ? unmapped : ipaddr.parse(start);
  const prefix = mapped ? given - MAPPED_PREFIX : given;
  const first = startOf(address, prefix);
  if (first.toString() !== address.toString()) {
    throw new Error(`names ${text}, an address in the network ${first}/${prefix}. Write that, or ${address} alone`);
  }
  return describe(first, prefix);
}

/** The network of a shorter prefix that holds another. */
export function widen({ text }: Network, prefix: number): Network {
  const [address] = ipaddr.parseCIDR(text);
  return describe(startOf(address, prefix), prefix);
}

/** Builds a table whose look-ups cost by how many lengths of prefix it has, however many networks. */
export function createNetworkTable<Value>(entries: Iterable<readonly [Network, Value]>): NetworkTable<Value> {
  const byLength = new Map<string, Row<Value>>();
  for (const [{ width, prefix, first }, value] of entries) {
    const length = `${width} ${prefix}`;
    const row = byLength.get(length) ?? { width, below: BigInt(width - prefix), values: new Map() };
    byLength.set(length, row);
    row.values.set(first >> row.below, value);
  }
  const longestFirst = [...byLength.values()].sort((one, other) => Number(one.below - other.below));
  const recent = new LRUCache<string, { readonly value: Value | undefined }>({ max: RECENT });

  function search(address: Address): Value | undefined {
    const [width, number] = [widthOf(address), numberOf(address)];
    for (const row of longestFirst) {
      const value = row.width === width ? row.values.get(number >> row.below) : undefined;
      if (value !== undefined) return value;
    }
    return undefined;
  }

  return {
    find(address) {
      const known = recent.get(address);
      if (known !== undefined) return known.value;
      if (!isAddress(address)) return undefined;
      const value = search(ipaddr.process(address));
      recent.set(address, { value });
      return value;
    },
  };
}

/** The networks of one length, by their leading bits. */
interface Row<Value> {
  readonly width: Width;
  /** How many bits an address has beyond those. */
  readonly below: bigint;
  readonly values: Map<bigint, Value>;
}

function describe(first: Address, prefix: number): Network {
  return { text: `${first}/${prefix}`, prefix, width: widthOf(first), first: numberOf(first) };
}

/** Stricter than the library, which reads `1` and `0x7f.1` as addresses too. */
function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && ipaddr.IPv6.isValid(text));
}

function widthOf(address: Address): Width {
  return address.kind() === "ipv4" ? 32 : 128;
}

function numberOf(address: Address): bigint {
  return BigInt(`0x${Buffer.from(address.toByteArray()).toString("hex")}`);
}

/** The first address of the network that an address lies in. */
function startOf(address: Address, prefix: number): Address {
  const width = widthOf(address);
  const below = BigInt(width - prefix);
  const start = (numberOf(address) >> below) << below;
  return ipaddr.fromByteArray([...Buffer.from(start.toString(16).padStart(width / 4, "0"), "hex")]);
}
