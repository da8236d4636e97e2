// openid-client and oauth4webapi log devices in, with both kinds of assertion; oauth4webapi also checks an access token of RFC 9068.

import { createPublicKey, type KeyObject } from "node:crypto";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { describe, expect, test } from "vitest";
import { makeBoardKey } from "../core/assertions.ts";
import { CUSTOMER_KEY, startFileGateway } from "../gateway.ts";

const ISSUER = new URL("https://login.example");

const gateway = await startFileGateway({ ISSUER: ISSUER.origin, TOKEN_TYPE: "at+jwt" });

/** Reaches the gateway under the name of its issuer. */
function reach(url: string, { body, ...options }: openid.CustomFetchOptions): Promise<Response> {
  return fetch(url.replace(ISSUER.origin, gateway.publicUrl), { ...options, ...(body && { body: String(body) }) });
}

/** Converts a private key for WebCrypto. */
function importKey(key: KeyObject, alg: "ES256" | "Ed25519"): Promise<oauth.CryptoKey> {
  const der = key.export({ format: "der", type: "pkcs8" });
  const algorithm = alg === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" };
  return crypto.subtle.importKey("pkcs8", new Uint8Array(der), algorithm, false, ["sign"]);
}

interface Board {
  readonly deviceKey: string;
  readonly secret: string;
  readonly privateKey: oauth.CryptoKey | undefined;
}

const KINDS = ["client_secret_jwt", "private_key_jwt ES256", "private_key_jwt Ed25519"] as const;

async function enrol(kind: (typeof KINDS)[number]): Promise<Board> {
  if (kind === "client_secret_jwt")
    return { deviceKey: await gateway.enrol(), secret: CUSTOMER_KEY, privateKey: undefined };
  const alg = kind === "private_key_jwt ES256" ? "ES256" : "Ed25519";
  const { privateKey, pem } = makeBoardKey(alg === "ES256" ? alg : "EdDSA");
  const publicKey = createPublicKey(pem).export({ format: "der", type: "spki" }).toString("base64");
  const deviceKey = await gateway.enrol({ publicKey });
  return { deviceKey, secret: "", privateKey: await importKey(privateKey, alg) };
}

describe("openid-client", () => {
  test.for(KINDS)("logs a device in by %s", async (kind) => {
    const { deviceKey, secret, privateKey } = await enrol(kind);
    const authentication = privateKey ? openid.PrivateKeyJwt(privateKey) : openid.ClientSecretJwt(secret);
    const options = { algorithm: "oauth2", [openid.customFetch]: reach } as const;
    const config = await openid.discovery(ISSUER, deviceKey, undefined, authentication, options);
    const { access_token, token_type, expires_in } = await openid.clientCredentialsGrant(config);
    expect([token_type, expires_in]).toEqual(["bearer", 600]);
    const checked = await fetch(`${gateway.publicUrl}/auth/check`, {
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(checked.headers.get("x-device-key")).toBe(deviceKey);
  });

  test("gets the reason of an error", async () => {
    const wrong = openid.ClientSecretJwt("another secret of thirty-two bytes");
    const options = { algorithm: "oauth2", [openid.customFetch]: reach } as const;
    const config = await openid.discovery(ISSUER, await gateway.enrol(), undefined, wrong, options);
    await expect(openid.clientCredentialsGrant(config)).rejects.toMatchObject({
      error: "invalid_client",
      error_description: "sub is an unknown device or client_assertion is not signed with its key",
      status: 400,
    });
  });
});

describe("oauth4webapi", () => {
  test.for(KINDS)("logs a device in by %s, and its token is one of RFC 9068", async (kind) => {
    const { deviceKey, secret, privateKey } = await enrol(kind);
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
});
