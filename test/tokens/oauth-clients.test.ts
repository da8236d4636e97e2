// openid-client and oauth4webapi log devices in, with both kinds of assertion; oauth4webapi also checks an access token of RFC 9068.

import { decodeJwt, exportSPKI, generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { expect, test } from "vitest";
import { CUSTOMER_KEY, startFileGateway } from "../gateway.ts";

const ISSUER = new URL("https://login.example");

const gateway = await startFileGateway({ ISSUER: ISSUER.origin, TOKEN_TYPE: "at+jwt" });

/** Reaches the gateway under the name of its issuer. */
function reach(url: string, { body, ...options }: openid.CustomFetchOptions): Promise<Response> {
  return fetch(url.replace(ISSUER.origin, gateway.publicUrl), { ...options, ...(body && { body: String(body) }) });
}

const OPENID_OPTIONS = { algorithm: "oauth2", [openid.customFetch]: reach } as const;
const KINDS = ["client_secret_jwt", "private_key_jwt ES256", "private_key_jwt Ed25519"] as const;

async function enrol(kind: (typeof KINDS)[number]) {
  if (kind === "client_secret_jwt") return { deviceKey: await gateway.enrol(), secret: CUSTOMER_KEY };
  const { publicKey, privateKey } = await generateKeyPair(kind.endsWith("ES256") ? "ES256" : "Ed25519");
  return { deviceKey: await gateway.enrol({ publicKey: await exportSPKI(publicKey) }), privateKey };
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
  expect(claims).toMatchObject({ sub: deviceKey, client_id: deviceKey, customer_id: gateway.customerId });
});
