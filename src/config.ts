// Reads the settings into a Config. The only module that reads the process's environment.

import { join } from "node:path";
import type { ForwardedHeader } from "./core/forwarded-header.ts";
import { readDuration, readLimit } from "./core/limit-text.ts";
import type { AddressOverride, Network } from "./core/limiter/addresses.ts";
import type { RedisTls } from "./core/limiter/connection.ts";
import type { FallbackMode } from "./core/limiter/fallback.ts";
import { parseRedisUrl, type RedisUrl } from "./core/limiter/redis-url.ts";
import { LONGEST_TOKEN_LIFE_MS, type PolicyName } from "./core/ports.ts";
import { readTokenAlg, readTokenType, type TokenAlg, type TokenType } from "./core/tokens/algorithms.ts";
import { parseDatabaseUrl } from "./database-url.ts";
import { type Environment, PREFIX, readPair, readParsed, readRedisTls, type TlsFiles } from "./environment.ts";
import { unknownSettings } from "./setting-names.ts";
import { repeatedSecrets, tooLongAnswers, uselessSettings } from "./setting-rules.ts";
import {
  type Limit,
  type ListenAddress,
  type LogLevel,
  parseAddressOverrides,
  parseAdminToken,
  parseCertificateFile,
  parseConnections,
  parseForwardedHeader,
  parseHostNames,
  parseHttpUrl,
  parseInstances,
  parseKeyRotation,
  parseListen,
  parseLogLevel,
  parseMasterKey,
  parseMasterKeys,
  parseRedisClock,
  parseRedisDown,
  parseRetention,
  parseText,
  parseTrustedProxies,
} from "./settings.ts";

export interface Config {
  readonly publicListen: ListenAddress | undefined;
  readonly internalListen: ListenAddress | undefined;
  readonly dataDir: string;
  /** PostgreSQL's URL; undefined for SQLite in the data directory. */
  readonly databaseUrl: string | undefined;
  readonly redisUrl: RedisUrl | undefined;
  /** Certificates of the connection to Redis. */
  readonly redisTls: RedisTls;
  /** How logins are decided while Redis is away. */
  readonly redisDown: FallbackMode;
  /** The clock that limits count by. */
  readonly redisClock: "redis" | "caller";
  /** How many gateways share that Redis. */
  readonly instances: number;
  /** The first one seals secrets; the others open what they sealed before. */
  readonly masterKeys: readonly Uint8Array[];
  /** Every one of them is accepted. */
  readonly adminTokens: readonly string[];
  /** Retention of audit events, in milliseconds; undefined keeps them for ever. */
  readonly auditRetentionMs: number | undefined;
  /** Undefined with --dev: the URL of the public listener is the issuer. */
  readonly issuer: string | undefined;
  readonly audience: string;
  /** Algorithm of new signing keys. */
  readonly tokenAlg: TokenAlg;
  /** The header typ of tokens. */
  readonly tokenType: TokenType;
  /** Time until a signing key is rotated, in milliseconds; undefined leaves that to operators. */
  readonly keyRotationMs: number | undefined;
  readonly tokenTtlSeconds: number;
  readonly clockSkewMs: number;
  readonly loginLimit: Limit;
  readonly failureLimit: Limit;
  readonly addressLimit: Limit;
  /** Networks whose addresses have another limit. */
  readonly addressLimitOverrides: readonly AddressOverride[];
  /** Proxies whose forwarding headers are trusted. Empty: none. */
  readonly trustedProxies: readonly Network[];
  /** The only header that they write; undefined for either. */
  readonly forwardedHeader: ForwardedHeader | undefined;
  /** Limit of connections for each listener. */
  readonly maxConnections: number;
  /** Limit of connections from one address to each listener; trusted proxies have none. */
  readonly maxConnectionsPerAddress: number;
  /** Host names of the internal listener in lower case, besides localhost and its own address. */
  readonly internalHosts: readonly string[];
  /** Undefined without TLS. */
  readonly tls: TlsFiles | undefined;
  /** Authorities of the client certificates that the internal listener requires; undefined for none. */
  readonly tlsClientCa: string | undefined;
  readonly logLevel: LogLevel;
  /** Time between a signal to stop and the end of the listeners, in milliseconds. */
  readonly drainDelayMs: number;
}

/** Every mistake in the settings, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

/** The replay limit's window is twice the skew, and a window is at most an hour. */
const LONGEST_SKEW_MS = 1_800_000;

const LONGEST_DRAIN_MS = 300_000;

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

/** The data directory. */
export function dataDirOf(environment: Environment): string {
  return environment[`${PREFIX}DATA_DIR`] || "data";
}

/** The environment with the settings that --dev adds: secrets from files, and an audience. */
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
 * @throws ConfigError with every mistake; none of them repeats a secret
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
    read(`${name.toUpperCase()}_LIMIT`, (text) => readLimit(name, text), fallback);

  const publicListen = read("PUBLIC_LISTEN", parseListen, "127.0.0.1:8080");
  const config = {
    publicListen,
    internalListen: read("INTERNAL_LISTEN", parseListen, "127.0.0.1:9090"),
    dataDir: dataDirOf(environment),
    databaseUrl: read("DATABASE_URL", parseDatabaseUrl, undefined),
    redisUrl: read("REDIS_URL", parseRedisUrl, undefined),
    redisTls: readRedisTls(environment, mistakes),
    redisDown: read("REDIS_DOWN", parseRedisDown, "local") ?? "local",
    redisClock: read("REDIS_CLOCK", parseRedisClock, "redis") ?? "redis",
    instances: read("INSTANCES", parseInstances, "1") ?? 1,
    masterKey: required("MASTER_KEY", parseMasterKey, "Make one with: openssl rand -base64 32"),
    adminToken: required("ADMIN_TOKEN", parseAdminToken, "Make one with: openssl rand -hex 32"),
    otherMasterKeys: read("OTHER_MASTER_KEYS", parseMasterKeys, undefined) ?? [],
    otherAdminToken: read("OTHER_ADMIN_TOKEN", parseAdminToken, undefined),
    auditRetentionMs: read("AUDIT_RETENTION", parseRetention, "365d"),
    issuer: dev
      ? read("ISSUER", parseHttpUrl, undefined)
      : required("ISSUER", parseHttpUrl, "Set the URL that devices reach this service by"),
    audience: required("AUDIENCE", parseText, "Set the name of the services that the tokens are for"),
    tokenAlg: read("TOKEN_ALG", readTokenAlg, "RS256") ?? "RS256",
    tokenType: read("TOKEN_TYPE", readTokenType, "JWT") ?? "JWT",
    keyRotationMs: read("KEY_ROTATION", parseKeyRotation, "90d"),
    tokenTtlSeconds: Math.round(
      (read("TOKEN_TTL", (text) => readDuration(text, 1_000, LONGEST_TOKEN_LIFE_MS), "600s") ?? 0) / 1_000,
    ),
    clockSkewMs: read("CLOCK_SKEW", (text) => readDuration(text, 1_000, LONGEST_SKEW_MS), "300s") ?? 0,
    loginLimit: limit("login", "10/60s"),
    failureLimit: limit("failure", "10/60s"),
    addressLimit: limit("address", "6000/60s"),
    addressLimitOverrides: read("ADDRESS_LIMIT_OVERRIDES", parseAddressOverrides, undefined) ?? [],
    trustedProxies: read("TRUSTED_PROXIES", parseTrustedProxies, undefined) ?? [],
    forwardedHeader: read("FORWARDED_HEADER", parseForwardedHeader, undefined),
    maxConnections: read("MAX_CONNECTIONS", parseConnections, "10000") ?? 0,
    maxConnectionsPerAddress: read("MAX_CONNECTIONS_PER_ADDRESS", parseConnections, "1000") ?? 0,
    internalHosts: read("INTERNAL_HOSTS", parseHostNames, undefined) ?? [],
    tls: readPair(environment, "TLS_CERT", "TLS_KEY", mistakes),
    tlsClientCa: read("TLS_CLIENT_CA", parseCertificateFile, undefined),
    logLevel: read("LOG_LEVEL", parseLogLevel, "info") ?? "info",
    drainDelayMs: read("DRAIN_DELAY", (text) => readDuration(text, 0, LONGEST_DRAIN_MS), "0s") ?? 0,
  };
  if (dev && config.issuer === undefined && environment[`${PREFIX}PUBLIC_LISTEN`] === "off") {
    mistakes.push(`${PREFIX}ISSUER is not set, and with the public listener off there is no URL to use instead`);
  }
  const { masterKey, otherMasterKeys, adminToken, otherAdminToken, issuer, audience, ...rest } = config;
  const { tokenAlg, tokenType } = rest;
  mistakes.push(
    ...uselessSettings(environment),
    ...repeatedSecrets(masterKey, otherMasterKeys, adminToken, otherAdminToken),
    ...tooLongAnswers({ issuer: issuer ?? "", audience: audience ?? "", tokenAlg, tokenType }),
  );
  if (mistakes.length > 0 || masterKey === undefined || adminToken === undefined || audience === undefined) {
    throw new ConfigError(mistakes);
  }
  return Object.freeze({
    ...rest,
    masterKeys: [masterKey, ...otherMasterKeys],
    adminTokens: otherAdminToken === undefined ? [adminToken] : [adminToken, otherAdminToken],
    issuer,
    audience,
  });
}

/** The path of a file in the data directory. */
export function dataFile(
  dataDir: string,
  name: "master-key" | "admin-token" | "demo-device" | "countersign.db",
): string {
  return join(dataDir, name);
}
