// Every setting: its parser, default, and line in docs/reference/settings.md.

import { readLimit } from "./core/limit-text.ts";
import { FALLBACK_MODES } from "./core/limiter/fallback.ts";
import { parseRedisUrl } from "./core/limiter/redis-url.ts";
import type { PolicyName } from "./core/ports.ts";
import { readTokenAlg } from "./core/tokens/algorithms.ts";
import { readDatabaseUrl } from "./database-url.ts";
import {
  createDuration,
  createOneOf,
  createWholeNumber,
  orOff,
  readAddressOverrides,
  readAdminToken,
  readAudience,
  readCertificate,
  readCertificateFile,
  readCertificateFiles,
  readHostNames,
  readHttpUrl,
  readKey,
  readKeyFiles,
  readListen,
  readMasterKey,
  readMasterKeys,
  readOrigins,
  readTokenType,
  readTrustedProxies,
} from "./setting-readers.ts";

export const PREFIX = "COUNTERSIGN_";

/** A setting. Durations are read in milliseconds. */
export interface Setting<Value> {
  /**
   * Reads the text; `textOf` gives the text of another setting.
   * @throws Error whose message continues a sentence that begins with the setting's name
   */
  readonly read: (text: string, textOf: (name: string) => string | undefined) => Value;
  readonly meaning: string;
  /** The default as text; empty: an empty list. */
  readonly fallback?: string;
  /** Describes a default that is not text. */
  readonly otherwise?: string;
  /** How to get a value; only required settings have it. */
  readonly cure?: string;
  /** A file that `…_FILE` names may hold the value. */
  readonly inFile?: true;
  /** Settings without which this one has no effect. */
  readonly needs?: readonly string[];
}

type Details = Pick<Setting<unknown>, "otherwise" | "inFile" | "needs">;
type Read<Value> = Setting<Value>["read"];

function required<Value>(cure: string, read: Read<Value>, meaning: string, details?: Details): Setting<Value> {
  return { cure, read, meaning, ...details };
}

function optional<Value>(read: Read<Value>, meaning: string, details?: Details): Setting<Value | undefined> {
  return { read, meaning, ...details };
}

function withDefault<Value>(fallback: string, read: Read<Value>, meaning: string, details?: Details): Setting<Value> {
  return { fallback, read, meaning, ...details };
}

const limitOf = (name: PolicyName) => (text: string) => readLimit(name, text);
const connections = createWholeNumber(1, 1_000_000);
const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
const IN_FILE = { inFile: true } as const;
const WITH_REDIS = { needs: ["REDIS_URL"] };

export const LISTENER_SETTINGS = {
  PUBLIC_LISTEN: withDefault("127.0.0.1:8080", orOff(readListen), "`host:port` for devices, or `off`"),
  INTERNAL_LISTEN: withDefault("127.0.0.1:9090", orOff(readListen), "`host:port` for services and operators, or `off`"),
  DASHBOARD: withDefault("on", createOneOf(["on", "off"]), "the operators' pages on the internal listener, or `off`"),
  INTERNAL_HOSTS: withDefault(
    "",
    readHostNames,
    "host names that the internal listener answers to, separated by commas",
  ),
  CORS_ORIGINS: withDefault(
    "",
    readOrigins,
    "origins whose pages may log in, separated by commas, as in `https://app.example`; `*`: all",
  ),
  TLS_CERT: optional(
    readCertificateFiles,
    "PEM file for both listeners, loaded again when it changes; or an RSA and an ECDSA one, separated by a comma",
    { needs: ["TLS_KEY"] },
  ),
  TLS_KEY: optional(readKeyFiles("TLS_CERT"), "PEM file; one for each certificate, in the same order", {
    needs: ["TLS_CERT"],
  }),
  TLS_CLIENT_CA: optional(
    readCertificateFile,
    "PEM file: the internal listener requires client certificates of this authority",
    { needs: ["TLS_CERT", "TLS_KEY"] },
  ),
  MAX_CONNECTIONS: withDefault("10000", connections, "connections of each listener"),
  MAX_CONNECTIONS_PER_ADDRESS: withDefault(
    "1000",
    connections,
    "connections of each listener from one address, at most half of all on the internal one; trusted proxies are exempt",
  ),
  TRUSTED_PROXIES: withDefault("", readTrustedProxies, "addresses and networks whose `X-Forwarded-For` is read"),
  DRAIN_DELAY: withDefault(
    "0s",
    createDuration("0s", "300s"),
    "how long readiness is 503 after SIGTERM before the listeners close: `0s` to `300s`",
  ),
  LOG_LEVEL: withDefault("info", createOneOf(LOG_LEVELS), "`debug`, `info`, `warn`, `error` or `silent`"),
};

export const STORAGE_SETTINGS = {
  DATA_DIR: withDefault(
    "data",
    String,
    "directory of the SQLite file and, with `--dev`, of the secrets; no other user may write to it",
  ),
  DATABASE_URL: optional(readDatabaseUrl, "`postgres://user:password@host/database`", {
    otherwise: "SQLite",
    inFile: true,
  }),
  MASTER_KEY: required(
    "Make one with: openssl rand -base64 32",
    readMasterKey,
    "32 bytes in base64 or hex: `openssl rand -base64 32`",
    IN_FILE,
  ),
  OTHER_MASTER_KEYS: withDefault(
    "",
    readMasterKeys,
    "earlier or next master keys, separated by commas: they only unseal secrets",
    IN_FILE,
  ),
  ADMIN_TOKEN: required(
    "Make one with: openssl rand -hex 32",
    readAdminToken,
    "16 characters or more: `openssl rand -hex 32`",
    IN_FILE,
  ),
  OTHER_ADMIN_TOKEN: optional(readAdminToken, "a second admin token, for a replacement", IN_FILE),
  AUDIT_RETENTION: withDefault("365d", orOff(createDuration("1d", "36500d")), "`1d` to `36500d`, or `off`: for ever"),
};

export const TOKEN_SETTINGS = {
  ISSUER: required("Set the gateway's URL for devices", readHttpUrl, "the gateway's URL for devices; `iss` of tokens"),
  AUDIENCE: required(
    "Set the name of the services that the tokens are for",
    readAudience,
    "`aud` of tokens; `devices` with `--dev`",
  ),
  TOKEN_ALG: withDefault("RS256", readTokenAlg, "algorithm of new signing keys: `RS256`, `ES256` or `EdDSA`"),
  TOKEN_TYPE: withDefault(
    "JWT",
    readTokenType,
    "`typ` of tokens; `at+jwt` for verifiers that require RFC 9068, only with ES256 or EdDSA",
  ),
  TOKEN_TTL: withDefault("600s", createDuration("1s", "1d"), "lifetime of a token, `1s` to a day"),
  KEY_ROTATION: withDefault("90d", orOff(createDuration("1h", "3650d")), "`1h` to `3650d`, or `off`"),
  CLOCK_SKEW: withDefault(
    "300s",
    createDuration("1s", "1800s"),
    "how far a device's clock may be off: `1s` to `1800s`",
  ),
};

export const LIMIT_SETTINGS = {
  LOGIN_LIMIT: withDefault("10/60s", limitOf("login"), "admitted logins of a device, or `off`"),
  FAILURE_LIMIT: withDefault("10/60s", limitOf("failure"), "failed logins of a device from one address, or `off`"),
  ADDRESS_LIMIT: withDefault("6000/60s", limitOf("address"), "failed logins of an address, or `off`"),
  ADDRESS_LIMIT_OVERRIDES: withDefault("", readAddressOverrides, "`10.0.0.0/8=60000/60s,192.0.2.1=off`"),
  REDIS_URL: optional(
    parseRedisUrl,
    "`redis://host:port`, `redis+sentinel://a,b,c/master`, `redis+cluster://a,b,c`; `rediss` for TLS",
    { otherwise: "limits in the process", inFile: true },
  ),
  REDIS_CA: optional(readCertificate, "PEM file: the authority of Redis", { otherwise: "the system's", ...WITH_REDIS }),
  REDIS_CERT: optional(readCertificate, "PEM file: the gateway's certificate for Redis", {
    needs: ["REDIS_URL", "REDIS_KEY"],
  }),
  REDIS_KEY: optional(readKey("REDIS_CERT"), "PEM file", { needs: ["REDIS_URL", "REDIS_CERT"] }),
  REDIS_DOWN: withDefault(
    "local",
    createOneOf(FALLBACK_MODES),
    "while Redis is away: `local` (a share for each gateway), `deny` or `allow`",
    WITH_REDIS,
  ),
  REDIS_CLOCK: withDefault(
    "redis",
    createOneOf(["redis", "gateway"] as const),
    "the clock of limits; `gateway` if Redis refuses TIME in scripts",
    WITH_REDIS,
  ),
  INSTANCES: withDefault("1", createWholeNumber(1, 99_999), "number of gateways on this Redis", WITH_REDIS),
};

/** The settings of commands that call a gateway. */
export const COMMAND_SETTINGS = {
  DATA_DIR: STORAGE_SETTINGS.DATA_DIR,
  ADMIN_TOKEN: optional(String, "for operators' commands; default: the file in `DATA_DIR`", IN_FILE),
  INTERNAL_URL: withDefault("http://127.0.0.1:9090", readHttpUrl, "the internal listener"),
  CUSTOMER_KEY: optional(String, "for `login` and `sign`", IN_FILE),
  CA_CERT: optional(readCertificate, "PEM file of an authority to trust besides the system's"),
  CLIENT_CERT: optional(readCertificate, "PEM file: the certificate for a gateway with `TLS_CLIENT_CA`", {
    needs: ["CLIENT_KEY"],
  }),
  CLIENT_KEY: optional(readKey("CLIENT_CERT"), "PEM file", { needs: ["CLIENT_CERT"] }),
};

/** The settings of `serve`. */
export const SERVER_SETTINGS = { ...LISTENER_SETTINGS, ...STORAGE_SETTINGS, ...TOKEN_SETTINGS, ...LIMIT_SETTINGS };
