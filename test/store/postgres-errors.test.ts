// The classification of PostgreSQL's errors; postgres.postgres.test.ts has real ones.

import { expect, test } from "vitest";
import { explainOpening, isAway, isBusy } from "../../src/store/postgres/errors.ts";
import { targetOf } from "../../src/store/postgres.ts";

const coded = (code: string, message = ""): Error => Object.assign(new Error(message), { code });

const BUSY = ["40001", "40P01", "55P03"];
const AWAY = [
  ...["08006", "28P01", "3D000", "25006", "25P03", "53100", "53300", "57014", "57P01", "57P03", "58030"],
  ...["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH"],
  ...["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  "ERR_TLS_CERT_ALTNAME_INVALID",
];
const BUGS = ["08P01", "22021", "22P02", "23505", "42601", "42P01", "XX000", "ERR_INVALID_ARG_TYPE"];

test.for([...BUSY, ...AWAY, ...BUGS])("%s is busy, away or a bug", (code) => {
  expect([isBusy(coded(code)), isAway(coded(code))]).toEqual([BUSY.includes(code), AWAY.includes(code)]);
});

test.for(["Connection terminated unexpectedly", "Query read timeout", "timeout exceeded when trying to connect"])(
  "pg's %j is away",
  (message) => expect(isAway(new Error(message))).toBe(true),
);

test("an error of another kind is a bug", () => {
  for (const thrown of [new TypeError("x is undefined"), "text", undefined]) expect(isAway(thrown)).toBe(false);
});

test.for([
  { url: "postgres://me:s3cret@/registry?host=/var/run/postgresql", server: "/var/run/postgresql:5432" },
  { url: "postgres:///registry?host=/var/run/postgresql&port=5433", server: "/var/run/postgresql:5433" },
  { url: "postgres://me:s3cret@db.example/registry", server: "db.example:5432" },
  { url: "postgres://me:s3cret@[::1]:6000/registry", server: "[::1]:6000" },
])("the error of a failed opening names the server of $url, and no secret", ({ url, server }) => {
  const { message } = explainOpening(coded("ECONNREFUSED"), targetOf(url));
  expect(message).toBe(
    `the database cannot be used: no PostgreSQL answers at ${server} (ECONNREFUSED). Start it, or correct the URL`,
  );
});
