// The metadata of the issuer (RFC 8414), at both of its paths.

import { afterAll, beforeAll, expect, test } from "vitest";
import { openGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openGateway({ TOKEN_ALG: "ES256" });
});
afterAll(() => gateway.close());

test("names the introspection endpoint of the internal listener, under the request's host name", async () => {
  const { host } = new URL(gateway.internalUrl);
  const answer = await fetch(`${gateway.internalUrl}/.well-known/oauth-authorization-server`);
  expect(JSON.parse(await answer.text())).toMatchObject({
    issuer: "https://login.example",
    introspection_endpoint: `http://${host}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: ["none"],
  });
});

test.for(["oauth-authorization-server", "openid-configuration"])("is at %s, and says what is so", async (name) => {
  const answer = await fetch(`${gateway.publicUrl}/.well-known/${name}`);
  expect(answer.headers.get("cache-control")).toBe("max-age=300");
  expect(JSON.parse(await answer.text())).toEqual({
    issuer: "https://login.example",
    jwks_uri: "https://login.example/.well-known/jwks.json",
    token_endpoint: "https://login.example/oauth2/token",
    response_types_supported: [],
    grant_types_supported: ["client_credentials"],
    token_endpoint_auth_methods_supported: ["client_secret_jwt", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["HS256", "ES256", "EdDSA", "Ed25519"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  });
  const etag = answer.headers.get("etag") ?? "";
  const again = await fetch(`${gateway.publicUrl}/.well-known/${name}`, { headers: { "If-None-Match": etag } });
  expect([again.status, again.headers.get("etag")]).toEqual([304, etag]);
  const head = await fetch(`${gateway.publicUrl}/.well-known/${name}`, { method: "HEAD" });
  expect([head.status, await head.text(), head.headers.get("etag")]).toEqual([200, "", etag]);
});
