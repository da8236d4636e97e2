// The published keys as a document: whole, public, and tagged by what is in it.

import { expect, test } from "vitest";
import type { PublicJwk } from "../../../src/core/ports.ts";
import { renderJwks } from "../../../src/core/tokens/published-document.ts";
import { openRing } from "../../keyring/ring.ts";
import { openDatabase } from "../../store/database.ts";

const key: PublicJwk = { kid: "one", kty: "RSA", alg: "RS256", use: "sig", n: "AQ", e: "AQAB" };

test("the document holds every key that is published, in RFC 7517's form", () => {
  expect(JSON.parse(renderJwks([key, { ...key, kid: "two" }]).body)).toEqual({ keys: [key, { ...key, kid: "two" }] });
  expect(renderJwks([]).body).toBe('{"keys":[]}');
});

test("it never holds a private member of a ring's key", async () => {
  const { store } = await openDatabase();
  const { body } = renderJwks((await openRing(store.signingKeys, { alg: "RS256" })).published());
  const document: { keys: object[] } = JSON.parse(body);
  const members = document.keys.flatMap((jwk) => Object.keys(jwk));
  expect([...new Set(members)].sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
});

test("the tag is a strong entity tag that changes with the document alone", () => {
  const { etag } = renderJwks([key]);
  expect(etag).toMatch(/^"[\w-]{22}"$/);
  expect(renderJwks([{ ...key }]).etag).toBe(etag);
  expect(renderJwks([{ ...key, kid: "two" }]).etag).not.toBe(etag);
  expect(renderJwks([key, key]).etag).not.toBe(etag);
});
