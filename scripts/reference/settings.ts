// Renders docs/reference/settings.md: every setting with its default and meaning.

import { FILE_SETTINGS, type SettingName } from "../../src/setting-names.ts";

interface Text {
  /** Undefined: required. */
  readonly fallback: string | undefined;
  readonly meaning: string;
}

const PLACE = {
  PUBLIC_LISTEN: { fallback: "`127.0.0.1:8080`", meaning: "`host:port` for devices, or `off`" },
  INTERNAL_LISTEN: { fallback: "`127.0.0.1:9090`", meaning: "`host:port` for services and operators, or `off`" },
  INTERNAL_HOSTS: { fallback: "none", meaning: "host names that the internal listener answers to, with commas" },
  TLS_CERT: { fallback: "none", meaning: "PEM file, for both listeners; loaded again when it changes" },
  TLS_KEY: { fallback: "none", meaning: "PEM file" },
  TLS_CLIENT_CA: {
    fallback: "none",
    meaning: "PEM file: the internal listener requires a certificate of this authority",
  },
  MAX_CONNECTIONS: { fallback: "10000", meaning: "of each listener" },
  MAX_CONNECTIONS_PER_ADDRESS: { fallback: "1000", meaning: "of each listener; trusted proxies have none" },
  TRUSTED_PROXIES: { fallback: "none", meaning: "addresses and networks whose forwarding headers are read" },
  FORWARDED_HEADER: { fallback: "either", meaning: "the only header to read: `X-Forwarded-For` or `Forwarded`" },
  DRAIN_DELAY: {
    fallback: "`0s`",
    meaning: "after SIGTERM readiness is 503 for so long before the listeners close: `0s` to `300s`",
  },
  LOG_LEVEL: { fallback: "`info`", meaning: "`debug`, `info`, `warn`, `error` or `silent`" },
} satisfies Partial<Record<SettingName, Text>>;

const STORAGE = {
  DATA_DIR: { fallback: "`data`", meaning: "SQLite's file; with `--dev` the secrets; no other user may write to it" },
  DATABASE_URL: { fallback: "SQLite", meaning: "`postgres://user:password@host/database`" },
  MASTER_KEY: { fallback: undefined, meaning: "32 bytes in base64 or hex: `openssl rand -base64 32`" },
  OTHER_MASTER_KEYS: { fallback: "none", meaning: "keys that open what they sealed, with commas" },
  ADMIN_TOKEN: { fallback: undefined, meaning: "16 characters or more: `openssl rand -hex 32`" },
  OTHER_ADMIN_TOKEN: { fallback: "none", meaning: "accepted too, while the token is replaced" },
  AUDIT_RETENTION: { fallback: "`365d`", meaning: "`1d` to `36500d`, or `off`: for ever" },
} satisfies Partial<Record<SettingName, Text>>;

const TOKENS = {
  ISSUER: { fallback: undefined, meaning: "the URL that devices reach the gateway by; `iss` of tokens" },
  AUDIENCE: { fallback: undefined, meaning: "`aud` of tokens; `devices` with `--dev`" },
  TOKEN_ALG: { fallback: "`RS256`", meaning: "`RS256`, `ES256` or `EdDSA`, of new signing keys" },
  TOKEN_TYPE: {
    fallback: "`JWT`",
    meaning: "`typ` of tokens; `at+jwt` (RFC 9068) for strict verifiers, by ES256 or EdDSA",
  },
  TOKEN_TTL: { fallback: "`600s`", meaning: "`1s` to a day" },
  KEY_ROTATION: { fallback: "`90d`", meaning: "`1h` to `3650d`, or `off`" },
  CLOCK_SKEW: { fallback: "`300s`", meaning: "how far a device's clock may be off: `1s` to `1800s`" },
} satisfies Partial<Record<SettingName, Text>>;

const LIMITS = {
  LOGIN_LIMIT: { fallback: "`10/60s`", meaning: "admitted logins of a device, or `off`" },
  FAILURE_LIMIT: { fallback: "`10/60s`", meaning: "failed logins of a device from one address, or `off`" },
  ADDRESS_LIMIT: { fallback: "`6000/60s`", meaning: "failed logins of an address, or `off`" },
  ADDRESS_LIMIT_OVERRIDES: { fallback: "none", meaning: "`10.0.0.0/8=60000/60s,192.0.2.1=off`" },
  REDIS_URL: {
    fallback: "limits in the process",
    meaning: "`redis://host:port`, `redis+sentinel://a,b,c/master`, `redis+cluster://a,b,c`; `rediss` for TLS",
  },
  REDIS_CA: { fallback: "the system's", meaning: "PEM file: the authority of Redis" },
  REDIS_CERT: { fallback: "none", meaning: "PEM file: the gateway's certificate for Redis" },
  REDIS_KEY: { fallback: "none", meaning: "PEM file" },
  REDIS_DOWN: { fallback: "`local`", meaning: "while Redis is away: `local` shares, `deny` or `allow`" },
  REDIS_CLOCK: { fallback: "`redis`", meaning: "`gateway` where Redis refuses TIME in scripts" },
  INSTANCES: { fallback: "1", meaning: "number of gateways on this Redis" },
} satisfies Partial<Record<SettingName, Text>>;

const COMMANDS = {
  INTERNAL_URL: { fallback: "`http://127.0.0.1:9090`", meaning: "the internal listener" },
  CUSTOMER_KEY: { fallback: "none", meaning: "for `login` and `sign`" },
  CA_CERT: { fallback: "none", meaning: "PEM file: an authority besides the system's" },
  CLIENT_CERT: { fallback: "none", meaning: "PEM file: the certificate for a gateway with `TLS_CLIENT_CA`" },
  CLIENT_KEY: { fallback: "none", meaning: "PEM file" },
} satisfies Partial<Record<SettingName, Text>>;

/** A setting without a text does not compile. */
({ ...PLACE, ...STORAGE, ...TOKENS, ...LIMITS, ...COMMANDS }) satisfies Record<SettingName, Text>;

function table(texts: Readonly<Record<string, Text>>): string {
  const rows = Object.entries(texts).map(([name, { fallback, meaning }]) => {
    const mark = FILE_SETTINGS.includes(name) ? " †" : "";
    return `| \`${name}\`${mark} | ${fallback ?? "**required**"} | ${meaning} |`;
  });
  return ["| setting | default | |", "|---|---|---|", ...rows].join("\n");
}

export function renderSettings(): string {
  return `# Settings

<!-- Made by npm run gen. -->

Environment variables with the prefix \`COUNTERSIGN_\`. † The value can come from a file, by \`…_FILE\`. \`serve\` refuses to start with an unknown, wrong or
useless setting and names each; \`--dev\` makes up the required ones.

## Listeners

${table(PLACE)}

## Storage and secrets

${table(STORAGE)}

## Tokens

${table(TOKENS)}

## Limits

A limit is a number and a window of at most an hour. [limits.md](../limits.md) has the guarantees.

${table(LIMITS)}

## Commands

${table(COMMANDS)}

They read \`ADMIN_TOKEN\` and \`DATA_DIR\` too.
`;
}
