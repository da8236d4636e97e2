// Settings: environment and *_FILE secrets into one frozen Config. The only module that knows an environment variable.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import type { ForwardedHeader } from "./core/forwarded-header.ts";
import type { AddressOverride } from "./core/limiter/address-limits.ts";
import type { Network } from "./core/limiter/networks.ts";
import { parseRedisUrl, type RedisUrl } from "./core/limiter/redis-url.ts";
import type { WhenAway } from "./core/limiter/when-away.ts";
import type { PolicyName } from "./core/ports.ts";
import { readTokenAlg, type TokenAlg } from "./core/tokens/algorithms.ts";
import { type Environment, PREFIX, readPair, readParsed, readSetting, type TlsFiles } from "./environment.ts";
import {
  type Limit,
  type ListenAddress,
  type LogLevel,
  parseAddressOverrides,
  parseAdminToken,
  parseCertificateFile,
  parseDuration,
  parseForwardedHeader,
  parseHttpUrl,
  parseInstances,
  parseLimit,
  parseListen,
  parseLogLevel,
  parseMasterKey,
  parseRedisClock,
  parseRedisDown,
  parseText,
  parseTrustedProxies,
} from "./settings.ts";

export interface Config {
  readonly publicListen: ListenAddress | undefined;
  readonly internalListen: ListenAddress | undefined;
  readonly dataDir: string;
  readonly redisUrl: RedisUrl | undefined;
  /** What becomes of logins while Redis is away. */
  readonly redisDown: WhenAway;
  /** Whose clock limits are counted by. */
  readonly redisClock: "redis" | "caller";
  /** How many gateways share that Redis. */
  readonly instances: number;
  readonly masterKey: Uint8Array;
  readonly adminToken: string;
  /** Undefined with --dev: where the public listener turns out to be. */
  readonly issuer: string | undefined;
  readonly audience: string;
  /** What a new signing key is of. */
  readonly tokenAlg: TokenAlg;
  readonly tokenTtlSeconds: number;
  readonly clockSkewMs: number;
  readonly loginLimit: Limit;
  readonly failureLimit: Limit;
  readonly addressLimit: Limit;
  /** Networks whose addresses have another limit. */
  readonly addressLimitOverrides: readonly AddressOverride[];
  /** Whose word is taken for the address of a caller; none: nobody's. */
  readonly trustedProxies: readonly Network[];
  /** The only header they write; undefined: either. */
  readonly forwardedHeader: ForwardedHeader | undefined;
  /** Undefined: in the clear. */
  readonly tls: TlsFiles | undefined;
  /** With TLS: whoever connects to the internal listener shows a certificate of one of these authorities. */
  readonly tlsClientCa: string | undefined;
  readonly logLevel: LogLevel;
}

/** What the commands that call a gateway take from the environment. */
export interface ClientConfig {
  readonly internalUrl: string;
  readonly dataDir: string;
  readonly adminToken: string | undefined;
  readonly customerKey: string | undefined;
  /** In PEM: an authority to trust beside the system's. */
  readonly caCert: string | undefined;
  /** In PEM: what to show to a gateway that asks. */
  readonly clientCert: CertificateAndKey | undefined;
}

/** A certificate, or a chain of them, and its key, in PEM. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

/** All the mistakes of a configuration, a line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

const SERVER_SETTINGS = [
  "PUBLIC_LISTEN",
  "INTERNAL_LISTEN",
  "DATA_DIR",
  "REDIS_URL",
  "REDIS_URL_FILE",
  "REDIS_DOWN",
  "REDIS_CLOCK",
  "INSTANCES",
  "MASTER_KEY",
  "MASTER_KEY_FILE",
  "ADMIN_TOKEN",
  "ADMIN_TOKEN_FILE",
  "ISSUER",
  "AUDIENCE",
  "TOKEN_ALG",
  "TOKEN_TTL",
  "CLOCK_SKEW",
  "LOGIN_LIMIT",
  "FAILURE_LIMIT",
  "ADDRESS_LIMIT",
  "ADDRESS_LIMIT_OVERRIDES",
  "TRUSTED_PROXIES",
  "FORWARDED_HEADER",
  "TLS_CERT",
  "TLS_KEY",
  "TLS_CLIENT_CA",
  "LOG_LEVEL",
];
const CLIENT_SETTINGS = ["INTERNAL_URL", "CUSTOMER_KEY", "CUSTOMER_KEY_FILE", "CA_CERT", "CLIENT_CERT", "CLIENT_KEY"];
const TEST_SETTINGS = ["TEST_REDIS_URL"];

/** Twice the skew is a window, and a window has at most an hour. */
const LONGEST_SKEW_MS = 1_800_000;
/** Boards read the whole answer to a login into 1,000 bytes. */
const LARGEST_ANSWER = 899;

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Where state is kept. */
export function dataDirOf(environment: Environment): string {
  return environment[`${PREFIX}DATA_DIR`] || "data";
}

/** With --dev: the environment with what is not set taken from files that were made in the data directory. */
export function devEnvironment(
  environment: Environment,
  files: { masterKey: string; adminToken: string },
): Environment {
  const dev: Record<string, string | undefined> = { ...environment };
  const unset = (name: string): boolean => !dev[`${PREFIX}${name}`] && !dev[`${PREFIX}${name}_FILE`];
  if (unset("MASTER_KEY")) dev[`${PREFIX}MASTER_KEY_FILE`] = files.masterKey;
  if (unset("ADMIN_TOKEN")) dev[`${PREFIX}ADMIN_TOKEN_FILE`] = files.adminToken;
  if (unset("AUDIENCE")) dev[`${PREFIX}AUDIENCE`] = "devices";
  return dev;
}

/**
 * Reads the gateway's settings.
 * @throws ConfigError with every mistake there is, none of which repeats a secret
 */
export function readConfig(environment: Environment, { dev }: { dev: boolean }): Config {
  const mistakes: string[] = [...unknownSettings(environment)];
  const read = <Value>(name: string, parse: (text: string) => Value, fallback: string | undefined): Value | undefined =>
    readParsed(environment, name, { parse, fallback }, mistakes);
  const required = <Value>(name: string, parse: (text: string) => Value, cure: string): Value | undefined => {
    const before = mistakes.length;
    const value = read(name, parse, undefined);
    if (value === undefined && mistakes.length === before)
      mistakes.push(`${PREFIX}${name} is not set. ${cure}, or start with --dev`);
    return value;
  };
  const limit = (name: PolicyName, fallback: string): Limit =>
    read(`${name.toUpperCase()}_LIMIT`, (text) => parseLimit(name, text), fallback);

  const publicListen = read("PUBLIC_LISTEN", parseListen, "127.0.0.1:8080");
  const config = {
    publicListen,
    internalListen: read("INTERNAL_LISTEN", parseListen, "127.0.0.1:9090"),
    dataDir: dataDirOf(environment),
    redisUrl: read("REDIS_URL", parseRedisUrl, undefined),
    redisDown: read("REDIS_DOWN", parseRedisDown, "local") ?? "local",
    redisClock: read("REDIS_CLOCK", parseRedisClock, "redis") ?? "redis",
    instances: read("INSTANCES", parseInstances, "1") ?? 1,
    masterKey: required("MASTER_KEY", parseMasterKey, "Make one with: openssl rand -base64 32"),
    adminToken: required("ADMIN_TOKEN", parseAdminToken, "Make one with: openssl rand -hex 32"),
    issuer: dev
      ? read("ISSUER", parseHttpUrl, undefined)
      : required("ISSUER", parseHttpUrl, "Set the URL that devices reach this service by"),
    audience: required("AUDIENCE", parseText, "Set the name of the services that the tokens are for"),
    tokenAlg: read("TOKEN_ALG", readTokenAlg, "RS256") ?? "RS256",
    tokenTtlSeconds: Math.round(
      (read("TOKEN_TTL", (text) => parseDuration(text, 1_000, 86_400_000), "600s") ?? 0) / 1_000,
    ),
    clockSkewMs: read("CLOCK_SKEW", (text) => parseDuration(text, 1_000, LONGEST_SKEW_MS), "300s") ?? 0,
    loginLimit: limit("login", "10/60s"),
    failureLimit: limit("failure", "10/60s"),
    addressLimit: limit("address", "6000/60s"),
    addressLimitOverrides: read("ADDRESS_LIMIT_OVERRIDES", parseAddressOverrides, undefined) ?? [],
    trustedProxies: read("TRUSTED_PROXIES", parseTrustedProxies, undefined) ?? [],
    forwardedHeader: read("FORWARDED_HEADER", parseForwardedHeader, undefined),
    tls: readPair(environment, "TLS_CERT", "TLS_KEY", mistakes),
    tlsClientCa: read("TLS_CLIENT_CA", parseCertificateFile, undefined),
    logLevel: read("LOG_LEVEL", parseLogLevel, "info") ?? "info",
  };
  if (dev && config.issuer === undefined && environment[`${PREFIX}PUBLIC_LISTEN`] === "off") {
    mistakes.push(`${PREFIX}ISSUER is not set, and with the public listener off there is no address to take for it`);
  }
  const given = (name: string): boolean => Boolean(environment[`${PREFIX}${name}`]);
  if (given("TLS_CLIENT_CA") && !given("TLS_CERT") && !given("TLS_KEY")) {
    mistakes.push(
      `${PREFIX}TLS_CLIENT_CA is of no use without ${PREFIX}TLS_CERT and ${PREFIX}TLS_KEY. Set both, or leave ${PREFIX}TLS_CLIENT_CA out`,
    );
  }
  if (given("FORWARDED_HEADER") && !given("TRUSTED_PROXIES")) {
    mistakes.push(
      `${PREFIX}FORWARDED_HEADER is of no use without ${PREFIX}TRUSTED_PROXIES. Set that, or leave ${PREFIX}FORWARDED_HEADER out`,
    );
  }
  for (const name of ["REDIS_DOWN", "REDIS_CLOCK", "INSTANCES"]) {
    if (given(name) && !given("REDIS_URL") && !given("REDIS_URL_FILE")) {
      mistakes.push(
        `${PREFIX}${name} is of no use without ${PREFIX}REDIS_URL. Set that, or leave ${PREFIX}${name} out`,
      );
    }
  }
  const answer = largestAnswer(config.issuer ?? "", config.audience ?? "");
  if (answer > LARGEST_ANSWER) {
    mistakes.push(
      `${PREFIX}ISSUER and ${PREFIX}AUDIENCE are too long by ${answer - LARGEST_ANSWER} characters: a login's answer would exceed the ${LARGEST_ANSWER} bytes that boards can read`,
    );
  }
  const { masterKey, adminToken, audience } = config;
  if (mistakes.length > 0 || masterKey === undefined || adminToken === undefined || audience === undefined) {
    throw new ConfigError(mistakes);
  }
  return Object.freeze({ ...config, masterKey, adminToken, audience });
}

/**
 * Reads what the client commands need.
 * @throws ConfigError with every mistake there is, none of which repeats a secret
 */
export function readClientConfig(environment: Environment): ClientConfig {
  const mistakes: string[] = [];
  const url = { parse: parseHttpUrl, fallback: "http://127.0.0.1:9090" };
  const authority = { parse: parseCertificateFile, fallback: undefined };
  const internalUrl = readParsed(environment, "INTERNAL_URL", url, mistakes);
  const caCert = readParsed(environment, "CA_CERT", authority, mistakes);
  const client = readPair(environment, "CLIENT_CERT", "CLIENT_KEY", mistakes);
  const adminToken = readSetting(environment, "ADMIN_TOKEN", mistakes);
  const customerKey = readSetting(environment, "CUSTOMER_KEY", mistakes);
  if (mistakes.length > 0 || internalUrl === undefined) throw new ConfigError(mistakes);
  return {
    internalUrl,
    dataDir: dataDirOf(environment),
    adminToken,
    customerKey,
    caCert: caCert && readFileSync(caCert, "utf8"),
    clientCert: client && { cert: readFileSync(client.cert, "utf8"), key: readFileSync(client.key, "utf8") },
  };
}

/** The name of a file in the data directory. */
export function dataFile(
  dataDir: string,
  name: "master-key" | "admin-token" | "demo-device" | "countersign.db",
): string {
  return join(dataDir, name);
}

function unknownSettings(environment: Environment): string[] {
  const known = [...SERVER_SETTINGS, ...CLIENT_SETTINGS, ...TEST_SETTINGS];
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name.slice(PREFIX.length)))
    .map((name) => {
      const near = closest(name.slice(PREFIX.length), known);
      const slip = distance(near, name.slice(PREFIX.length)) <= 3;
      return `${name} is no setting.${slip ? ` Did you mean ${PREFIX}${near}?` : ""}`;
    });
}

/** The bytes of the answer to a login by the longest device_key, signed RS256 over RSA-2048. */
function largestAnswer(issuer: string, audience: string): number {
  const base64 = (text: string): number => Math.ceil((text.length * 4) / 3);
  const header = JSON.stringify({ alg: "RS256", typ: "JWT", kid: "k".repeat(43) });
  const claims = JSON.stringify({
    iss: issuer,
    sub: "d".repeat(96),
    aud: audience,
    iat: 9_999_999_999,
    exp: 9_999_999_999,
    jti: "j".repeat(16),
    customer_id: "c".repeat(16),
  });
  const token = base64(header) + 1 + base64(claims) + 1 + base64("s".repeat(256));
  return token + JSON.stringify({ token: "", expires_in: 86_400 }).length;
}
