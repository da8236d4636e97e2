// The published JWKS: complete, public keys only, with an ETag of its content.

import { expect, test } from "vitest";
import type { PublicJwk } from "../../../src/core/ports.ts";
import { renderJwks } from "../../../src/core/tokens/published-document.ts";

const key: PublicJwk = { kid: "one", kty: "RSA", alg: "RS256", use: "sig", n: "AQ", e: "AQAB" };

test("the document holds every key that is published, under an entity tag that changes with it alone", () => {
  const { body, etag } = renderJwks([key, { ...key, kid: "two" }]);
  expect(JSON.parse(body)).toEqual({ keys: [key, { ...key, kid: "two" }] });
  expect(etag).toMatch(/^"[\w-]{22}"$/);
  expect(renderJwks([{ ...key }, { ...key, kid: "two" }]).etag).toBe(etag);
  expect(renderJwks([key]).etag).not.toBe(etag);
});
