// OAuth's token endpoint: answers, errors, metadata, and logins by client libraries.

import { decodeJwt, exportSPKI, generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { describe, expect, test } from "vitest";
import { assertionClaims, byHmac, makeAssertion } from "../core/assertions.ts";
import { CUSTOMER_KEY, startFileGateway } from "../gateway.ts";

const NOW = 1_764_000_000_000;
const SECONDS = NOW / 1_000;
const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const gateway = await startFileGateway({}, { now: () => NOW });

type Form = Readonly<Record<string, string>>;

function formOf(deviceKey: string, secret = CUSTOMER_KEY, claims: object = {}): Form {
  const assertion = makeAssertion(byHmac(secret), assertionClaims(deviceKey, SECONDS, claims));
  return { grant_type: "client_credentials", client_assertion_type: TYPE, client_assertion: assertion };
}

async function post(form: Form | string, headers: Form = {}, method = "POST") {
  const body = new URLSearchParams(form);
  const url = `${gateway.publicUrl}/oauth2/token`;
  const response = await fetch(url, { method, headers, ...(method === "POST" && { body }) });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

test("answers with a token, limits and lifetime, as a login does", async () => {
  const deviceKey = await gateway.enrol();
  const { status, headers, body } = await post({ ...formOf(deviceKey), client_id: deviceKey, scope: "any" });
  expect([status, body]).toEqual([200, { access_token: expect.any(String), token_type: "Bearer", expires_in: 600 }]);
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("x-ratelimit-remaining")).toBe("9");
  const checked = await fetch(`${gateway.publicUrl}/auth/check`, { headers: { "x-access-token": body.access_token } });
  expect(checked.headers.get("x-device-key")).toBe(deviceKey);
});

describe("an error", () => {
  const KNOWN = { ...formOf("device"), client_id: "device" };
  const SAML = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
  const SECRET = { grant_type: "client_credentials", client_secret: CUSTOMER_KEY };
  const twice = `${new URLSearchParams(KNOWN)}&client_id=device`;
  const grant = ["unsupported_grant_type", "grant_type is not client_credentials"] as const;
  const OTHER_ID = "client_id is not the sub of the client_assertion. Leave it out";
  const TOO_LARGE = "the request has more than 4096 bytes";
  const unproven = "sub is an unknown device or client_assertion is not signed with its key";
  test.for<readonly [Form | string, error: string, message: string, reason?: string, status?: number]>([
    [{}, ...grant],
    [{ ...KNOWN, grant_type: "password" }, ...grant],
    [{ ...KNOWN, client_assertion: "" }, "invalid_client", "client_assertion is missing or empty"],
    [{ ...KNOWN, client_assertion_type: SAML }, "invalid_request", `client_assertion_type is not ${TYPE}`],
    [SECRET, "invalid_client", "the secret itself was sent. Send a client_assertion that is signed with it"],
    [{ ...KNOWN, client_id: "other" }, "invalid_client", OTHER_ID],
    [twice, "invalid_client", "client_id is sent more than once. Send it once"],
    [formOf("nobody"), "invalid_client", unproven, "invalid_credentials"],
    [{ ...KNOWN, scope: "x".repeat(5_000) }, "invalid_request", TOO_LARGE, "too_large", 413],
  ])("%# has its code, reason and message", async ([form, error, message, reason = "malformed", status = 400]) => {
    const answer = await post(form);
    expect(answer).toMatchObject({ status, body: { error, error_description: message, reason } });
    expect([answer.headers.get("www-authenticate"), answer.headers.get("cache-control")]).toEqual([null, "no-store"]);
    expect(JSON.stringify(answer.body)).not.toContain(CUSTOMER_KEY);
  });

  test("is also in OAuth's form for a wrong media type or method", async () => {
    expect((await post("{}", { "content-type": "application/json" })).body).toMatchObject({
      error: "invalid_request",
      error_description: "the Content-Type is application/json. Send application/x-www-form-urlencoded",
    });
    const { status, headers, body } = await post({}, {}, "GET");
    expect([status, headers.get("allow"), body.error]).toEqual([405, "POST", "invalid_request"]);
    const basic = await post({ grant_type: "client_credentials" }, { authorization: "Basic eDp5" });
    expect(basic.body).toMatchObject({ error: "invalid_client", field: "client_secret" });
  });

  test("has server_time for clock skew, and the reason for a replay or a disabled device", async () => {
    const deviceKey = await gateway.enrol();
    const late = await post(formOf(deviceKey, CUSTOMER_KEY, { iat: 100, exp: 160 }));
    expect(late.body).toMatchObject({ error: "invalid_client", reason: "clock_skew", server_time: SECONDS });
    const form = formOf(deviceKey);
    expect((await post(form)).status).toBe(200);
    expect(await post(form)).toMatchObject({ status: 400, body: { error: "invalid_client", reason: "replayed" } });
    const disabled = await gateway.enrol({ status: "disabled" });
    const answer = await post(formOf(disabled));
    expect(answer).toMatchObject({ status: 403, body: { error: "unauthorized_client", reason: "disabled" } });
  });

  test("has the wait for a spent limit", async () => {
    const deviceKey = await gateway.enrol();
    for (let count = 0; count < 10; count++) expect((await post(formOf(deviceKey))).status).toBe(200);
    const { status, headers, body } = await post(formOf(deviceKey));
    expect([status, headers.get("retry-after"), headers.get("x-ratelimit-remaining")]).toEqual([429, "60", "0"]);
    const limited = { error: "temporarily_unavailable", reason: "rate_limited", policy: "login", retry_after: 60 };
    expect(body).toMatchObject(limited);
  });
});

test.for(["oauth-authorization-server", "openid-configuration"])("%s has the issuer's metadata", async (name) => {
  const answer = await fetch(`${gateway.publicUrl}/.well-known/${name}`);
  expect(answer.headers.get("cache-control")).toBe("max-age=300");
  expect(answer.headers.has("etag")).toBe(true);
  expect(await answer.json()).toEqual({
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
});

test("the internal listener's metadata name its introspection endpoint, under the request's host name", async () => {
  const answer = await fetch(`${gateway.internalUrl}/.well-known/oauth-authorization-server`);
  expect(await answer.json()).toMatchObject({
    issuer: "https://login.example",
    introspection_endpoint: `${gateway.internalUrl}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: ["none"],
  });
});

const ISSUER = new URL("https://login.example");
/** Clients have the real time. */
const present = await startFileGateway({ TOKEN_TYPE: "at+jwt" });

/** Reaches the gateway under the name of its issuer. */
function reach(url: string, { body, ...options }: openid.CustomFetchOptions): Promise<Response> {
  return fetch(url.replace(ISSUER.origin, present.publicUrl), { ...options, ...(body && { body: String(body) }) });
}

const OPENID_OPTIONS = { algorithm: "oauth2", [openid.customFetch]: reach } as const;
const KINDS = ["client_secret_jwt", "private_key_jwt ES256", "private_key_jwt Ed25519"] as const;

async function enrol(kind: (typeof KINDS)[number]) {
  if (kind === "client_secret_jwt") return { deviceKey: await present.enrol(), secret: CUSTOMER_KEY };
  const { publicKey, privateKey } = await generateKeyPair(kind.endsWith("ES256") ? "ES256" : "Ed25519");
  return { deviceKey: await present.enrol({ publicKey: await exportSPKI(publicKey) }), privateKey };
}

test.for(KINDS)("openid-client logs a device in by %s", async (kind) => {
  const { deviceKey, secret = "", privateKey } = await enrol(kind);
  const authentication = privateKey ? openid.PrivateKeyJwt(privateKey) : openid.ClientSecretJwt(secret);
  const config = await openid.discovery(ISSUER, deviceKey, undefined, authentication, OPENID_OPTIONS);
  const { access_token, token_type, expires_in } = await openid.clientCredentialsGrant(config);
  expect([token_type, expires_in, decodeJwt(access_token).sub]).toEqual(["bearer", 600, deviceKey]);
});

test.for(KINDS)("oauth4webapi logs a device in by %s, and its token is one of RFC 9068", async (kind) => {
  const { deviceKey, secret = "", privateKey } = await enrol(kind);
  const options = { [oauth.customFetch]: reach };
  const discovery = await oauth.discoveryRequest(ISSUER, { algorithm: "oauth2", ...options });
  const server = await oauth.processDiscoveryResponse(ISSUER, discovery);
  const client = { client_id: deviceKey };
  const authentication = privateKey ? oauth.PrivateKeyJwt(privateKey) : oauth.ClientSecretJwt(secret);
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, {}, options);
  const { access_token } = await oauth.processClientCredentialsResponse(server, client, answer);

  const headers = { authorization: `Bearer ${access_token}` };
  const request = new Request("https://service.example", { headers });
  const claims = await oauth.validateJwtAccessToken(server, request, "devices", options);
  expect(claims).toMatchObject({ sub: deviceKey, client_id: deviceKey, customer_id: present.customerId });
});
