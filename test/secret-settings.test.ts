// The settings of the database, its secrets and its audit log: what they are read as, and what is said of mistakes.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ADMIN_TOKEN, testConfig } from "./gateway.ts";
import { temporaryFolder } from "./program.ts";
import { mistakesOf } from "./settings-mistakes.ts";

const DATA_DIR = "data";
const FIRST = Buffer.alloc(32, 1);
const SECOND = Buffer.alloc(32, 2);
const THIRD = Buffer.alloc(32, 3);
const DAY_MS = 86_400_000;

test("without them there is SQLite, one master key, one admin token, and audit events for a year", () => {
  const config = testConfig({ DATA_DIR, MASTER_KEY: FIRST.toString("hex") });
  expect(config.databaseUrl).toBeUndefined();
  expect(config.masterKeys).toEqual([FIRST]);
  expect(config.adminTokens).toEqual([ADMIN_TOKEN]);
  expect(config.auditRetentionMs).toBe(365 * DAY_MS);
});

test("the master key is the first of all, each in base64 or hex", () => {
  const { masterKeys } = testConfig({
    DATA_DIR,
    MASTER_KEY: FIRST.toString("base64"),
    OTHER_MASTER_KEYS: `${SECOND.toString("hex")}, ${THIRD.toString("base64")}`,
  });
  expect(masterKeys).toEqual([FIRST, SECOND, THIRD]);
});

test("the second admin token comes after the first", () => {
  const { adminTokens } = testConfig({ DATA_DIR, OTHER_ADMIN_TOKEN: "another-token-0123456789" });
  expect(adminTokens).toEqual([ADMIN_TOKEN, "another-token-0123456789"]);
});

test("each secret comes from a file as well", () => {
  const folder = temporaryFolder();
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), `${content}\n`);
    return join(folder, name);
  };
  const config = testConfig({
    DATA_DIR,
    MASTER_KEY: FIRST.toString("hex"),
    OTHER_MASTER_KEYS_FILE: file("keys", `${SECOND.toString("base64")},\n${THIRD.toString("base64")}`),
    OTHER_ADMIN_TOKEN_FILE: file("token", "another-token-0123456789"),
    DATABASE_URL_FILE: file("url", "postgres://gateway:secret@127.0.0.1/countersign"),
  });
  expect(config.masterKeys).toEqual([FIRST, SECOND, THIRD]);
  expect(config.adminTokens[1]).toBe("another-token-0123456789");
  expect(config.databaseUrl).toBe("postgres://gateway:secret@127.0.0.1/countersign");
  expect(mistakesOf({ DATABASE_URL: "postgres://127.0.0.1/a", DATABASE_URL_FILE: join(folder, "url") })).toEqual([
    "COUNTERSIGN_DATABASE_URL and COUNTERSIGN_DATABASE_URL_FILE are both set. Keep one",
  ]);
  expect(mistakesOf({ DATABASE_URL_FILE: "/nowhere/url" })).toEqual([
    "COUNTERSIGN_DATABASE_URL_FILE is /nowhere/url, which cannot be read (ENOENT)",
  ]);
});

test.for([
  ["1d", DAY_MS],
  ["24h", DAY_MS],
  ["400d", 400 * DAY_MS],
  ["36500d", 36_500 * DAY_MS],
  ["off", undefined],
] as const)("AUDIT_RETENTION %s", ([text, ms]) => {
  expect(testConfig({ DATA_DIR, AUDIT_RETENTION: text }).auditRetentionMs).toBe(ms);
});

describe("a mistake is told, with its cure and without a secret", () => {
  const key = randomBytes(32).toString("base64");
  const length = "is not 32 bytes in base64 or hex. Make one with: openssl rand -base64 32";

  test.for([
    [{ OTHER_MASTER_KEYS: "short" }, `COUNTERSIGN_OTHER_MASTER_KEYS names a key, number 1, that ${length}`],
    [{ OTHER_MASTER_KEYS: `${key},short` }, `COUNTERSIGN_OTHER_MASTER_KEYS names a key, number 2, that ${length}`],
    [{ OTHER_MASTER_KEYS: `${key},` }, "COUNTERSIGN_OTHER_MASTER_KEYS has an empty entry. Remove the extra comma"],
    [{ OTHER_MASTER_KEYS: `${key},${key}` }, "COUNTERSIGN_OTHER_MASTER_KEYS holds a key twice. Keep one"],
    [
      { MASTER_KEY: FIRST.toString("hex"), OTHER_MASTER_KEYS: FIRST.toString("base64") },
      "COUNTERSIGN_OTHER_MASTER_KEYS holds COUNTERSIGN_MASTER_KEY too. Take it out there",
    ],
    [
      { OTHER_ADMIN_TOKEN: "short" },
      "COUNTERSIGN_OTHER_ADMIN_TOKEN has to be at least 16 visible ASCII characters. Make one with: openssl rand -hex 32",
    ],
    [
      { OTHER_ADMIN_TOKEN: ADMIN_TOKEN },
      "COUNTERSIGN_OTHER_ADMIN_TOKEN is the same as COUNTERSIGN_ADMIN_TOKEN. Make another, or leave it out",
    ],
    ...["1y", "365", "-1d", "1.5d", "d", "for ever"].map(
      (text) =>
        [
          { AUDIT_RETENTION: text },
          "COUNTERSIGN_AUDIT_RETENTION is no time to keep something. Write a number and d or h, or off: 365d",
        ] as const,
    ),
    ...["0d", "23h", "36501d"].map(
      (text) =>
        [{ AUDIT_RETENTION: text }, "COUNTERSIGN_AUDIT_RETENTION is out of range: 1d to 36500d, or off"] as const,
    ),
    [
      { OTHER_MASTER_KEY: key },
      "COUNTERSIGN_OTHER_MASTER_KEY is not a setting. Did you mean COUNTERSIGN_OTHER_MASTER_KEYS?",
    ],
  ] as const)("%j", ([settings, mistake]) => {
    expect(mistakesOf(settings)).toEqual([mistake]);
  });

  test("a database of another kind, without its password", () => {
    const [mistake, ...others] = mistakesOf({ DATABASE_URL: "mysql://gateway:hunter2@127.0.0.1/countersign" });
    expect(mistake).toMatch(/^COUNTERSIGN_DATABASE_URL .*postgres:\/\//);
    expect(mistake).not.toContain("hunter2");
    expect(others).toEqual([]);
  });

  test("all of them at once", () => {
    const settings = {
      OTHER_MASTER_KEYS: "short",
      OTHER_ADMIN_TOKEN: "short",
      AUDIT_RETENTION: "1y",
      MASTER_KEY: "short",
    };
    expect(mistakesOf(settings)).toHaveLength(4);
  });
});
