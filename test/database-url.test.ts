// DATABASE_URL: valid and invalid URLs, and errors that repeat nothing of them.

import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readDatabaseUrl } from "../src/database-url.ts";

const HERE = fileURLToPath(import.meta.url);
const REGISTRY = "postgres://db.example/registry";

test.for([
  "postgres://me:secret@db.example:5432/registry",
  "postgresql://me@db.example/registry",
  `${REGISTRY}?sslmode=verify-full`,
  `${REGISTRY}?sslmode=verify-full&sslrootcert=${encodeURIComponent(HERE)}`,
  "postgres://me:p%40ss%2Fw%23rd%25@[::1]:5432/registry",
  "postgres:///registry?host=/var/run/postgresql",
  "postgres:///registry?host=/var/run/postgresql&port=5433&application_name=one&options=-c%20search_path%3Done",
  "postgres://me:secret@/registry?host=/var/run/postgresql",
])("takes %s as it is", (text) => {
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
])("refuses a URL that %s", ([message, ...texts]) => {
  for (const text of texts) expect(() => readDatabaseUrl(text), text).toThrow(new Error(message));
});

test("a URL can carry any password, and no error repeats one", () => {
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
