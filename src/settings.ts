// What a setting's text means: one parser a kind of setting, each throwing what is wrong as the end of a sentence. Knows no
// name of a setting and no environment.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { FORWARDED_HEADERS, type ForwardedHeader } from "./core/forwarded-header.ts";
import { readLimit } from "./core/limit-text.ts";
import { type AddressOverride, type Network, readLimitedNetwork, readNetwork } from "./core/limiter/addresses.ts";
import { FALLBACK_MODES, type FallbackMode } from "./core/limiter/fallback.ts";
import type { Policy } from "./core/ports.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** A limit of admissions per window; undefined is off. */
export type Limit = Policy | undefined;

export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

const MIN_ADMIN_TOKEN = 16;

/** `host:port`, `[host]:port`, or `off`. */
export function parseListen(text: string): ListenAddress | undefined {
  if (text === "off") return undefined;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new Error("is no address to listen at. Write host:port, [host]:port or off");
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

/** 32 bytes in base64 or hex. */
export function parseMasterKey(text: string): Uint8Array {
  const key = /^[0-9a-fA-F]{64}$/.test(text)
    ? Buffer.from(text, "hex")
    : /^[\w+/-]{43}=?$/.test(text)
      ? Buffer.from(text, "base64")
      : undefined;
  if (key?.length !== 32) throw new Error("is not 32 bytes in base64 or hex. Make one with: openssl rand -base64 32");
  return key;
}

/** Master keys, separated by commas. */
export function parseMasterKeys(text: string): readonly Uint8Array[] {
  return entriesOf(text).map((entry, place) => {
    try {
      return parseMasterKey(entry);
    } catch (error) {
      throw new Error(`names a key, number ${place + 1}, that ${error instanceof Error ? error.message : "is wrong"}`);
    }
  });
}

/** What is long enough not to be guessed, and goes into a header. */
export function parseAdminToken(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text) || text.length < MIN_ADMIN_TOKEN) {
    throw new Error(
      `has to be at least ${MIN_ADMIN_TOKEN} visible ASCII characters. Make one with: openssl rand -hex 32`,
    );
  }
  return text;
}

/** A URL of http or https. */
export function parseHttpUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Error("is no URL of http or https. Write http://host:port or https://host:port");
  }
  return text;
}

/** Visible ASCII. */
export function parseText(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error("has to be visible ASCII characters");
  return text;
}

/** A file of certificates in PEM, by its path. */
export function parseCertificateFile(path: string): string {
  return parsePemFile(path, "no certificate in PEM", (pem) => new X509Certificate(pem));
}

/** A file with a private key in PEM, by its path. */
export function parseKeyFile(path: string): string {
  return parsePemFile(path, "no private key in PEM, or one under a passphrase", createPrivateKey);
}

function parsePemFile(path: string, otherwise: string, parse: (pem: Buffer) => unknown): string {
  // Whoever set a file's content in place of its name may have set a key: it is not repeated.
  if (/[\r\n]|-----BEGIN /.test(path)) throw new Error("is no path. Set it to that of a file in PEM");
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "an error";
    throw new Error(`is ${path}, which cannot be read (${code}). Set it to the path of a file in PEM`);
  }
  try {
    parse(pem);
  } catch {
    throw new Error(`is ${path}, which holds ${otherwise}`);
  }
  return path;
}

/** How logins are decided while Redis is away. */
export function parseRedisDown(text: string): FallbackMode {
  const found = FALLBACK_MODES.find((candidate) => candidate === text);
  if (found === undefined) throw new Error(`is none of ${FALLBACK_MODES.join(", ")}`);
  return found;
}

/** Whose clock counts: `redis`, or `gateway` where a server refuses TIME in scripts. */
export function parseRedisClock(text: string): "redis" | "caller" {
  if (text !== "redis" && text !== "gateway") throw new Error("is neither redis nor gateway");
  return text === "redis" ? "redis" : "caller";
}

/** A whole number of gateways. */
export function parseInstances(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error("is no number of gateways. Write a whole number from 1 to 99999");
  return Number(text);
}

/** The most connections of a listener. */
export function parseConnections(text: string): number {
  const connections = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : 0;
  if (connections === 0 || connections > 1_000_000)
    throw new Error("is not a number of connections. Write a whole number from 1 to 1000000");
  return connections;
}

/** A host name of RFC 1123, or one with underscores as container networks have it. */
const HOST_NAME = /^(?!-)[\w-]{1,63}(?:\.(?!-)[\w-]{1,63})*$/;

/** Host names, separated by commas: in lower case and without a trailing dot. */
export function parseHostNames(text: string): readonly string[] {
  return entriesOf(text).map((entry) => {
    const name = entry.toLowerCase().replace(/\.$/, "");
    if (HOST_NAME.test(name)) return name;
    throw new Error(`names ${entry}, which is not a host name. Write such as gateway.internal, without a port`);
  });
}

const DAY_MS = 86_400_000;
const DAY_UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: DAY_MS };
/** Three times as long as the next key is published before it signs. */
const SHORTEST_ROTATION_MS = 3_600_000;

/** How long something is kept: a number and `d` or `h`, of at least a day, in milliseconds; `off`: for ever, undefined. */
export function parseRetention(text: string): number | undefined {
  if (text === "off") return undefined;
  const ms = readDays(text);
  if (Number.isNaN(ms)) throw new Error("is no time to keep something. Write a number and d or h, or off: 365d");
  if (ms < DAY_MS || ms > 36_500 * DAY_MS) throw new Error("is out of range: 1d to 36500d, or off");
  return ms;
}

/** How long a signing key signs: a number and `d` or `h`, in milliseconds; `off`: until an operator says so, undefined. */
export function parseKeyRotation(text: string): number | undefined {
  if (text === "off") return undefined;
  const ms = readDays(text);
  if (Number.isNaN(ms)) throw new Error("is no time for a key to sign. Write a number and d or h, or off: 90d");
  if (ms < SHORTEST_ROTATION_MS || ms > 3_650 * DAY_MS) throw new Error("is out of range: 1h to 3650d, or off");
  return ms;
}

function readDays(text: string): number {
  const [, number, unit = ""] = /^(\d{1,9})([hd])$/.exec(text) ?? [];
  return Number(number) * (DAY_UNITS[unit] ?? Number.NaN);
}

/** One of the levels. */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined) throw new Error(`is none of ${LOG_LEVELS.join(", ")}`);
  return level;
}

/** Networks and addresses, separated by commas; none that holds every address. */
export function parseTrustedProxies(text: string): readonly Network[] {
  return entriesOf(text).map((entry) => {
    const network = readNetwork(entry);
    if (network.prefix > 0) return network;
    throw new Error(
      `names ${entry}, which is everyone: a caller could then give any address for its own. Write those of your proxies`,
    );
  });
}

/** `X-Forwarded-For` or `Forwarded`, in any case. */
export function parseForwardedHeader(text: string): ForwardedHeader {
  const name = FORWARDED_HEADERS.find((header) => header === text.toLowerCase());
  if (name === undefined) throw new Error("is neither X-Forwarded-For nor Forwarded");
  return name;
}

/** `network=limit`, separated by commas, each network once. */
export function parseAddressOverrides(text: string): readonly AddressOverride[] {
  const seen = new Set<string>();
  return entriesOf(text).map((entry) => {
    const [start = "", limit, ...rest] = entry.split("=").map((part) => part.trim());
    if (limit === undefined || rest.length > 0) {
      throw new Error(
        `names ${entry}, which is not network=limit. Write such as 10.0.0.0/8=60000/60s or 10.0.0.0/8=off`,
      );
    }
    const network = readLimitedNetwork(start);
    if (seen.has(network.text)) throw new Error(`names ${network.text} twice. Keep one`);
    seen.add(network.text);
    try {
      return { network, policy: readLimit("address", limit) };
    } catch (error) {
      throw new Error(`names ${entry}, where ${limit} ${error instanceof Error ? error.message : "is wrong"}`);
    }
  });
}

function entriesOf(text: string): string[] {
  const entries = text.split(",").map((entry) => entry.trim());
  if (entries.includes("")) throw new Error("has an empty entry. Take out the comma that has nothing beside it");
  return entries;
}
