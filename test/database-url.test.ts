// DATABASE_URL: valid and invalid URLs, and errors that repeat nothing of them.

import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readDatabaseUrl } from "../src/database-url.ts";

const HERE = fileURLToPath(import.meta.url);

test.for([
  "postgres://me:secret@db.example:5432/registry",
  "postgresql://me@db.example/registry",
  "postgres://db.example/registry?sslmode=verify-full",
  `postgres://db.example/registry?sslmode=verify-full&sslrootcert=${encodeURIComponent(HERE)}`,
  "postgres://me:p%40ss%2Fw%23rd%25@[::1]:5432/registry",
  "postgres:///registry?host=/var/run/postgresql",
  "postgres:///registry?host=/var/run/postgresql&port=5433&application_name=one&options=-c%20search_path%3Done",
  "postgres://me:secret@/registry?host=/var/run/postgresql",
])("takes %s as it is", (text) => {
  expect(readDatabaseUrl(text)).toBe(text);
});

const CODED = "is not a URL. In a password write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25";
const SHAPE = "Write postgres://user:password@host:port/database, or leave it out for SQLite";

test.for([
  { text: "mysql://me@db.example/registry", message: `is not a PostgreSQL URL. ${SHAPE}` },
  { text: "db.example", message: `is not a PostgreSQL URL. ${SHAPE}` },
  { text: "", message: `is not a PostgreSQL URL. ${SHAPE}` },
  { text: "postgres://me:s3cr#t@db.example/registry", message: CODED },
  { text: "postgres://me:100%@db.example/registry", message: CODED },
  { text: "postgres://me:sec/ret@db.example/registry", message: CODED },
  { text: "postgres://db.example:99999/registry", message: CODED },
  { text: "postgres://me:s3c@ret/w@db.example/registry", message: CODED },
  { text: "postgres://me:s3c@ret@db.example/registry", message: CODED },
  { text: "postgres://db.example/w@registry", message: CODED },
  ...["sslmod=verify-full", "SSLMode=verify-full", "channel_binding=require"].map((parameter) => ({
    text: `postgres://db.example/registry?${parameter}`,
    message:
      "has an unknown parameter. Known parameters are sslmode, sslrootcert, sslcert, sslkey, sslnegotiation, host, port, application_name, options",
  })),
  { text: "postgres://me:secret@db.example", message: `names no database. ${SHAPE}` },
  { text: "postgres://me:secret@db.example/", message: `names no database. ${SHAPE}` },
  {
    text: "postgres://db.example/registry?sslmode=verify-some",
    message: "has an unknown sslmode. Choose one of disable, prefer, require, verify-ca, verify-full, no-verify",
  },
  {
    text: "postgres://db.example/registry?sslmode=verify-full&sslrootcert=/no/such/file",
    message: "names a file in sslrootcert that cannot be read",
  },
])("refuses $text", ({ text, message }) => {
  expect(() => readDatabaseUrl(text)).toThrow(new Error(message));
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
