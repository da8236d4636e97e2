// The settings: defaults, values, and the error for each mistake.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError, type Environment } from "../src/config.ts";
import { readDatabaseUrl } from "../src/database-url.ts";
import { ADMIN_TOKEN, testConfig } from "./gateway.ts";
import { temporaryFolder } from "./program.ts";

const DATA_DIR = "data";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const [FIRST, SECOND, THIRD] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)] as const;

/** Every mistake of a configuration; `settings` are named without their prefix. */
function mistakesOf(settings: Environment): readonly string[] {
  try {
    testConfig({ DATA_DIR, ...settings });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes;
  }
}

test("the settings have defaults", () => {
  expect(testConfig({ DATA_DIR, MASTER_KEY: FIRST.toString("hex") })).toMatchObject({
    trustedProxies: [],
    addressLimitOverrides: [],
    maxConnections: 10_000,
    maxConnectionsPerAddress: 1_000,
    internalHosts: [],
    keyRotation: 90 * DAY_MS,
    tokenType: "JWT",
    redisDown: "local",
    redisClock: "redis",
    instances: 1,
    masterKey: FIRST,
    otherMasterKeys: [],
    adminToken: ADMIN_TOKEN,
    auditRetention: 365 * DAY_MS,
  });
  expect(testConfig({ DATA_DIR }).databaseUrl).toBeUndefined();
});

const OVERRIDES = [
  { network: { text: "10.0.0.0/8" }, policy: { name: "address", limit: 60_000, windowMs: 60_000 } },
  { network: { text: "2001:db8::/32" }, policy: undefined },
];
const REDIS = { REDIS_URL: "redis://127.0.0.1" };

test("at+jwt is refused with RS256, whose answers would not fit the boards", () => {
  const mistake = /boards could not read a login's answer\. Set COUNTERSIGN_TOKEN_ALG to ES256 or/;
  expect(mistakesOf({ TOKEN_TYPE: "at+jwt", TOKEN_ALG: "RS256" })).toEqual([expect.stringMatching(mistake)]);
  expect(mistakesOf({ TOKEN_TYPE: "at+jwt", TOKEN_ALG: "ES256" })).toEqual([]);
  expect(mistakesOf({ TOKEN_TYPE: "JWT", TOKEN_ALG: "RS256" })).toEqual([]);
});

test.for<readonly [Environment, object]>([
  [{ MAX_CONNECTIONS_PER_ADDRESS: "1" }, { maxConnectionsPerAddress: 1 }],
  [
    { INTERNAL_HOSTS: "Gateway.Internal, countersign_1,a-b.svc.local." },
    { internalHosts: ["gateway.internal", "countersign_1", "a-b.svc.local"] },
  ],
  [
    { CORS_ORIGINS: "https://a.example, http://localhost:5" },
    { corsOrigins: ["https://a.example", "http://localhost:5"] },
  ],
  [{ CORS_ORIGINS: "*" }, { corsOrigins: "*" }],
  [{ KEY_ROTATION: "1h" }, { keyRotation: HOUR_MS }],
  [{ KEY_ROTATION: "3650d" }, { keyRotation: 3_650 * DAY_MS }],
  [
    { ...REDIS, REDIS_DOWN: "deny", REDIS_CLOCK: "gateway", INSTANCES: "12" },
    { redisDown: "deny", redisClock: "gateway", instances: 12 },
  ],
  [{ MASTER_KEY: FIRST.toString("base64") }, { masterKey: FIRST }],
  [
    { TRUSTED_PROXIES: "10.0.0.0/8, 192.0.2.1,2001:db8::/32" },
    { trustedProxies: ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"].map((text) => ({ text })) },
  ],
  [{ ADDRESS_LIMIT: "off" }, { addressLimit: undefined }],
  [{ ADDRESS_LIMIT_OVERRIDES: "10.0.0.0/8=60000/60s, 2001:db8::/32 = off" }, { addressLimitOverrides: OVERRIDES }],
  [{ OTHER_ADMIN_TOKEN: "another-token-0123456789" }, { otherAdminToken: "another-token-0123456789" }],
  [{ AUDIT_RETENTION: "off" }, { auditRetention: undefined }],
])("%j is read", ([settings, expected]) => {
  expect(testConfig({ DATA_DIR, ...settings })).toMatchObject(expected);
});

test("a secret may come from a file", () => {
  const folder = temporaryFolder();
  function file(name: string, content: string): string {
    writeFileSync(join(folder, name), `${content}\n`);
    return join(folder, name);
  }
  const token = "another-token-0123456789";
  const url = "postgres://gateway:secret@127.0.0.1/countersign";
  const files = {
    OTHER_MASTER_KEYS_FILE: file("keys", `${SECOND.toString("hex")},\n${THIRD.toString("base64")}`),
    OTHER_ADMIN_TOKEN_FILE: file("token", token),
    DATABASE_URL_FILE: file("url", url),
  };
  const read = { otherMasterKeys: [SECOND, THIRD], otherAdminToken: token, databaseUrl: url };
  expect(testConfig({ DATA_DIR, MASTER_KEY: FIRST.toString("hex"), ...files })).toMatchObject(read);
  const twice = "COUNTERSIGN_DATABASE_URL and COUNTERSIGN_DATABASE_URL_FILE are both set. Keep one";
  expect(mistakesOf({ ...files, DATABASE_URL: url })).toContain(twice);
  const missing = "COUNTERSIGN_DATABASE_URL_FILE is /nowhere/url, which cannot be read (ENOENT)";
  expect(mistakesOf({ DATABASE_URL_FILE: "/nowhere/url" })).toEqual([missing]);
});

const KEY = randomBytes(32).toString("base64");
const MAKE_KEY = "is not 32 bytes in base64 or hex. Make one with: openssl rand -base64 32";
const EVERYONE = "which holds every address, so any caller could claim any address. Write the networks of your proxies";
const HOST = "which is not a host name. Write for example gateway.internal, without a port";
const OVERRIDE = "which is not network=limit. Write for example 10.0.0.0/8=60000/60s or 10.0.0.0/8=off";
const BY_64 = "but IPv6 addresses count by /64. Write 2001:db8::/64";
const SHORT_TOKEN = "has to be at least 16 visible ASCII characters. Make one with: openssl rand -hex 32";
const DURATION = "is not a duration. Write a number and ms, s, m, h or d, as in 600s";

test.for<readonly [name: string, values: readonly string[], mistake: string, others?: Environment]>([
  ["TRUSTED_PROXIES", ["10.0.0.0/8,"], "has an empty entry. Remove the extra comma"],
  ["TRUSTED_PROXIES", ["10.0.0.0/8,::/0"], `names ::/0, ${EVERYONE}`],
  ["ADDRESS_LIMIT_OVERRIDES", ["10.0.0.0/8"], `names 10.0.0.0/8, ${OVERRIDE}`],
  [
    "ADDRESS_LIMIT_OVERRIDES",
    ["10.0.0.0/8=10/1d"],
    "names 10.0.0.0/8=10/1d, where 10/1d needs a window of at most 1h, as a number and ms, s, m or h: 10/60s",
  ],
  ["ADDRESS_LIMIT_OVERRIDES", ["2001:db8::1=off"], `names 2001:db8::1, ${BY_64}`],
  ["ADDRESS_LIMIT_OVERRIDES", ["10.0.0.0/8=off,::ffff:10.0.0.0/104=1/1s"], "names 10.0.0.0/8 twice. Keep one"],
  ["MAX_CONNECTIONS", ["0", "-1", "1.5", "1e3", "10,000", "off", "1000001"], "is not a whole number from 1 to 1000000"],
  ["INTERNAL_HOSTS", ["gateway:9090"], `names gateway:9090, ${HOST}`],
  ["INTERNAL_HOSTS", ["gateway,a..b"], `names a..b, ${HOST}`],
  ["INTERNAL_HOSTS", [`${"a".repeat(64)}.b`], `names ${"a".repeat(64)}.b, ${HOST}`],
  ["KEY_ROTATION", ["90", "1y", "-1d", "never", "1.5d"], `${DURATION}, or off`],
  ["KEY_ROTATION", ["0d", "3m", "3651d"], "is out of range: 1h to 3650d, or off"],
  ["TOKEN_TYPE", ["JWE"], "is not one of JWT, at+jwt"],
  ["REDIS_DOWN", ["open"], "is not one of local, deny, allow", REDIS],
  ["REDIS_CLOCK", ["ours"], "is not one of redis, gateway", REDIS],
  ["REDIS_CA", ["/nowhere"], "is /nowhere, which cannot be read (ENOENT). Set it to the path of a PEM file", REDIS],
  ["INSTANCES", ["100000"], "is not a whole number from 1 to 99999", REDIS],
  ["REDIS_DOWN", ["deny"], "has no effect without COUNTERSIGN_REDIS_URL. Set all of them, or none"],
  ["OTHER_MASTER_KEYS", [`${KEY},short`], `names a key, number 2, that ${MAKE_KEY}`],
  ["OTHER_ADMIN_TOKEN", ["short"], SHORT_TOKEN],
  ["AUDIT_RETENTION", ["23h", "36501d"], "is out of range: 1d to 36500d, or off"],
])("%s=%j is a mistake", ([name, values, mistake, others]) => {
  for (const value of values) {
    expect(mistakesOf({ ...others, [name]: value }), value).toEqual([`COUNTERSIGN_${name} ${mistake}`]);
  }
});

const REGISTRY = "postgres://db.example/registry";

test.for([
  "postgres://me:secret@db.example:5432/registry",
  "postgresql://me@db.example/registry",
  `${REGISTRY}?sslmode=verify-full`,
  `${REGISTRY}?sslmode=verify-full&sslrootcert=${encodeURIComponent(import.meta.filename)}`,
  "postgres://me:p%40ss%2Fw%23rd%25@[::1]:5432/registry",
  "postgres:///registry?host=/var/run/postgresql",
  "postgres:///registry?host=/var/run/postgresql&port=5433&application_name=one&options=-c%20search_path%3Done",
  "postgres://me:secret@/registry?host=/var/run/postgresql",
])("DATABASE_URL takes %s as it is", (text) => {
  expect(readDatabaseUrl(text)).toBe(text);
});

const MODES = "disable, prefer, require, verify-ca, verify-full, no-verify";
const SHAPE = "Write postgres://user:password@host:port/database, or leave it out for SQLite";

test.for<[message: string, ...texts: string[]]>([
  [`is not a PostgreSQL URL. ${SHAPE}`, "mysql://me@db.example/registry", "db.example", ""],
  [`names no database. ${SHAPE}`, "postgres://me:secret@db.example", "postgres://me:secret@db.example/"],
  [
    "is not a URL. In a password write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25",
    "postgres://me:s3cr#t@db.example/registry",
    "postgres://me:100%@db.example/registry",
    "postgres://me:sec/ret@db.example/registry",
    "postgres://db.example:99999/registry",
    "postgres://me:s3c@ret/w@db.example/registry",
    "postgres://me:s3c@ret@db.example/registry",
    "postgres://db.example/w@registry",
  ],
  [
    "has an unknown parameter. Known parameters are sslmode, sslrootcert, sslcert, sslkey, sslnegotiation, host, port, application_name, options",
    ...["sslmod=verify-full", "SSLMode=verify-full", "channel_binding=require"].map((one) => `${REGISTRY}?${one}`),
  ],
  [`has an unknown sslmode. Choose one of ${MODES}`, `${REGISTRY}?sslmode=verify-some`],
  ["names a file in sslrootcert that cannot be read", `${REGISTRY}?sslmode=verify-full&sslrootcert=/no/such/file`],
])("DATABASE_URL is refused when it %s", ([message, ...texts]) => {
  for (const text of texts) expect(() => readDatabaseUrl(text), text).toThrow(new Error(message));
});

test("DATABASE_URL can carry any password, and no error repeats one", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (password) => {
      const text = `postgres://me:${encodeURIComponent(password)}@db.example/registry`;
      expect(readDatabaseUrl(text)).toBe(text);
    }),
  );
  fc.assert(
    fc.property(fc.string({ minLength: 8, unit: fc.constantFrom(..."xyzXYZ789@/?#%:") }), (password) => {
      try {
        readDatabaseUrl(`postgres://me:${password}@db.example/registry`);
      } catch (error) {
        expect(String(error)).not.toContain(password);
      }
    }),
  );
});
