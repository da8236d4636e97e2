// Logins by client assertion, as RFC 7523 and RFC 8725 require.

import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readAssertion, readPublicKey } from "../../src/core/assertion.ts";
import type { AuthError } from "../../src/core/errors.ts";
import type { Login } from "../../src/core/login.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { encode, encodeJson, type Json } from "../vectors/forge.ts";
import { assertionClaims, byHmac, byKey, makeAssertion, makeBoardKey, type SignParts } from "./assertions.ts";
import { caughtError, caughtErrorOf } from "./caught-error.ts";
import {
  CUSTOMER_KEY,
  callerAt,
  expectUnproven,
  NOW,
  openPath,
  outcomeOf,
  type Path,
  SECONDS,
  SKEW,
  shareFixture,
} from "./login-path.ts";

const AUDIENCES = ["https://login.example", "https://login.example/oauth2/token"];
const KEYS = { ES256: makeBoardKey("ES256"), EdDSA: makeBoardKey("EdDSA") } as const;
const INVALID = "invalid_credentials (failure)";

const ALG = "has an alg that is not one of HS256 ES256 EdDSA Ed25519";
const AUD = "has an aud that is not this gateway. Set it to the issuer of the gateway's metadata";
const CLAIMS = "has claims that are not a JSON object in UTF-8";
const ISS = "has an iss that differs from its sub. Set both to the device_key";
const JTI = "has no jti of 1 to 255 characters. Make a new one for each login";
const TIME = "has a time that is not in Unix seconds. Unix seconds have ten digits";

const fixture = await shareFixture();

async function send(path: Path, assertion: string, address?: string): Promise<Login> {
  return path.logIn(readAssertion(assertion, AUDIENCES), callerAt(address));
}

const HS256 = { alg: "HS256" };

/** Makes an assertion with changed claims and header. Everything else is right. */
function make(deviceKey: string, signParts: SignParts, claims: object = {}, header: Json = HS256): string {
  return makeAssertion(signParts, assertionClaims(deviceKey, SECONDS, claims), header);
}

/** Sends an assertion to a path of its own. @returns the outcome */
const outcome = (assertion: string): Promise<string> => outcomeOf(send(openPath(fixture), assertion));

/** A device that signs with its customer's key, of 43 characters. */
async function enrolShared(path: Path): Promise<{ readonly device: string; readonly signParts: SignParts }> {
  const { customerId, customerKey } = await path.enrolOwner("login");
  return { device: await path.enrol({ customerId }), signParts: byHmac(customerKey) };
}

/** The error of an assertion with changed claims and a right MAC. */
async function refused(claims: object): Promise<AuthError> {
  const path = openPath(fixture);
  const { device, signParts } = await enrolShared(path);
  return caughtErrorOf(send(path, make(device, signParts, claims)));
}

/** Expects that a text is not read as an assertion. The message begins with the field. */
function expectMalformed(text: string, message: string): void {
  const error = caughtError(() => readAssertion(text, AUDIENCES));
  expect([error.reason, error.details]).toEqual(["malformed", { field: "client_assertion" }]);
  expect(error.message).toBe(`client_assertion ${message}`);
  // grpc-js would percent-encode these characters.
  expect(error.message).not.toMatch(/[;/?:@&=+$,#]/);
}

describe("a device logs in by an assertion", () => {
  test.for([
    ["iss and sub are the device_key, aud the issuer", {}, {}],
    ["aud is the token endpoint", { aud: AUDIENCES[1] }, {}],
    ["aud has both names", { aud: AUDIENCES }, {}],
    ["there is no iat", { iat: undefined }, {}],
    ["there are other claims", { scope: "any", cnf: {} }, {}],
    ["typ says JWT", {}, { typ: "JWT" }],
    ["it has a kid, which names nothing here", {}, { kid: "../../etc/passwd" }],
    ["it lives for five minutes by a clock at the edge", { iat: SECONDS + 300, exp: SECONDS + 600 }, {}],
    ["its nbf is past", { nbf: SECONDS - 5 }, {}],
  ] as const)("when %s", async ([, changes, header]) => {
    const path = openPath(fixture);
    const { device, signParts } = await enrolShared(path);
    const login = await send(path, make(device, signParts, changes, { ...HS256, ...header }));
    expect(login.limit?.remaining).toBe(2);
    expect(path.charged).toEqual([["login", "replay"]]);
  });

  test("by its derived key, and not by the derivation key itself", async () => {
    const path = openPath(fixture);
    const { customerId, customerKey } = await path.enrolOwner("derivation");
    const device = await path.enrol({ customerId, keyMode: "derived" });
    const own = deriveDeviceKey(secretFromText(customerKey), device);
    expect(await outcome(make(device, byHmac(own)))).toBe("admitted");
    expect(await outcome(make(device, byHmac(customerKey)))).toBe(INVALID);
  });

  test.for(["ES256", "EdDSA", "Ed25519"] as const)("by its own %s key, and not by its customer's", async (alg) => {
    const path = openPath(fixture);
    const kind = alg === "Ed25519" ? "EdDSA" : alg;
    const { customerId, customerKey } = await path.enrolOwner("login");
    const device = await path.enrol({ customerId, publicKey: KEYS[kind].pem });
    const login = await send(path, make(device, byKey(kind, KEYS[kind].privateKey), {}, { alg }));
    expect(login.keyId).toBe("public_key");
    expect(await path.outcomes(1, device, { key: customerKey })).toEqual([INVALID]);
    expect(await outcome(make(device, byHmac(customerKey)))).toBe(INVALID);
  });
});

const claiming = (claims: object): string => make("device", byHmac("any key"), claims);
const headed = (header: object): string => make("device", byHmac("any key"), {}, { ...HS256, ...header });

describe("RFC 7523, section 3", () => {
  test.for([
    ["1: iss is missing", claiming({ iss: undefined }), ISS],
    ["1: iss is another's", claiming({ iss: "other" }), ISS],
    ["2: sub is missing", claiming({ sub: undefined }), "has no sub. Set iss and sub to the device_key"],
    ["3: aud is missing", claiming({ aud: undefined }), AUD],
    ["3: aud is another server's", claiming({ aud: "https://other.example" }), AUD],
    ["3: aud is another server's too", claiming({ aud: [...AUDIENCES, "https://other.example"] }), AUD],
    ["3: aud is empty", claiming({ aud: [] }), AUD],
    ["3: aud is like this server", claiming({ aud: "https://login.example/" }), AUD],
    ["4: exp is missing", claiming({ exp: undefined }), "has no exp. Let it expire a minute after it is made"],
    ["4: exp is in milliseconds", claiming({ exp: NOW }), TIME],
    ["6: iat is negative", claiming({ iat: -1 }), TIME],
    ["7: jti is missing", claiming({ jti: undefined }), JTI],
    ["7: jti is too long", claiming({ jti: "x".repeat(256) }), JTI],
    ["10: two parts", "e30.e30", "is not three parts of base64url with dots between them"],
    ["10: five parts", "e30.e30.e30.e30.e30", "is encrypted. Send a signed JWT"],
    ["10: a header that is not JSON", `${encode("{")}.e30.e30`, "has a header that is not a JSON object in UTF-8"],
    ["10: claims that are no object", `${encodeJson(HS256)}.${encode("[]")}.e30`, CLAIMS],
    ["10: claims in Latin-1", `${encodeJson(HS256)}.${encode(Buffer.from('{"a":"é"}', "latin1"))}.e30`, CLAIMS],
  ] as const)("%s", ([, text, message]) => {
    expectMalformed(text, message);
  });

  test.for<readonly [string, object]>([
    ["4: exp is unreasonably far", { exp: SECONDS + 301 }],
    ["4: exp is unreasonably far, without an iat", { iat: undefined, exp: SECONDS + 601 }],
    ["6: iat is unreasonably old", { iat: SECONDS - 400 }],
  ])("%s", async ([, claims]) => {
    const { reason, message } = await refused(claims);
    const long = "client_assertion lives for too long. Let exp be at most 300 seconds after iat";
    expect([reason, message]).toEqual(["malformed", long]);
  });

  test.for<readonly [string, object, string]>([
    ["4: it has expired", { iat: undefined, exp: SECONDS - 301 }, "exp is 301 seconds behind the server"],
    ["5: nbf is ahead", { nbf: SECONDS + 301, exp: SECONDS + 302 }, "nbf is 301 seconds ahead of the server"],
    ["6: iat is ahead", { iat: SECONDS + 301, exp: SECONDS + 302 }, "iat is 301 seconds ahead of the server"],
    ["4: its clock is in 1970", { iat: 60, exp: 120 }, "exp is 1763999880 seconds behind the server"],
  ])("%s", async ([, changes, message]) => {
    const error = await refused(changes);
    expect([error.reason, error.details.serverTime]).toEqual(["clock_skew", SECONDS]);
    expect(error.message).toBe(`${message}. Set the clock from server_time and sign again`);
  });

  test("7: a jti is accepted once while the assertion is valid, from any address", async () => {
    const path = openPath(fixture);
    const { device, signParts } = await enrolShared(path);
    const edge = (NOW + SKEW) / 1_000;
    const longest = make(device, signParts, { jti: "one", iat: edge, exp: edge + 300 });
    await send(path, longest);
    path.now = (edge + 300) * 1_000 + SKEW;
    expect(await outcomeOf(send(path, longest, "192.0.2.9"))).toBe("replayed (login)");
    // Another assertion with the same jti counts as the same.
    const later = { iat: path.now / 1_000, exp: path.now / 1_000 + 60 };
    expect(await outcomeOf(send(path, make(device, signParts, { jti: "one", ...later })))).toBe("replayed (login)");
    await send(path, make(device, signParts, { jti: "two", ...later }));
    // Two devices may use the same jti.
    const neighbour = await enrolShared(path);
    await send(path, make(neighbour.device, neighbour.signParts, { jti: "one", ...later }));
  });

  test.for([
    ["of another key", byHmac("another key of thirty-two bytes!")],
    ["that is missing", () => Buffer.alloc(0)],
    ["that is short", () => Buffer.alloc(16)],
  ] as const)("9: a MAC %s proves nothing, and reveals no device", async ([, signParts]) => {
    const path = openPath(fixture);
    const devices = [...Object.values(await path.enrolKinds()).flat(), await path.enrol({ publicKey: KEYS.ES256.pem })];
    const message = "sub is an unknown device or client_assertion is not signed with its key";
    await expectUnproven(fixture, devices, (device) => readAssertion(make(device, signParts), AUDIENCES), message);
  });
});

describe.for(["ES256", "EdDSA"] as const)("RFC 8725, for a device with an %s key: proves nothing", (alg) => {
  const { pem, privateKey } = KEYS[alg];
  const key = createPublicKey(pem);
  const der = key.export({ format: "der", type: "spki" });
  const other = alg === "ES256" ? "EdDSA" : "ES256";
  const stranger = makeBoardKey(alg);
  const jwk = createPublicKey(stranger.pem).export({ format: "jwk" });
  const url = "http://127.0.0.1:1/";

  test.for<readonly [string, SignParts, Json]>([
    ["3.1: HS256 with the PEM as secret", byHmac(pem), HS256],
    ["3.1: HS256 with the PEM without line break as secret", byHmac(pem.trimEnd()), HS256],
    ["3.1: HS256 with the DER as secret", byHmac(der), HS256],
    ["3.1: HS256 with the base64 as secret", byHmac(der.toString("base64")), HS256],
    ["3.1: HS256 with the JWK as secret", byHmac(JSON.stringify(key.export({ format: "jwk" }))), HS256],
    ["3.1: a key of the other algorithm", byKey(other, KEYS[other].privateKey), { alg: other }],
    ["3.1: the device's key, under the other alg", byKey(alg, privateKey), { alg: other }],
    ["3.3: zeros", () => Buffer.alloc(64), { alg }],
    ["3.3: a signature without bytes", () => Buffer.alloc(0), { alg }],
    ["3.3: a short signature", () => Buffer.alloc(63), { alg }],
    ["3.3: a long signature", () => Buffer.alloc(700, 1), { alg }],
    ["3.3: another key pair", byKey(alg, stranger.privateKey), { alg }],
    ["3.10: a key inside the header", byKey(alg, stranger.privateKey), { alg, jwk, jku: url, x5u: url, kid: "x" }],
  ])("%s", async ([, signParts, header]) => {
    const device = await openPath(fixture).enrol({ publicKey: pem });
    expect(await outcome(make(device, signParts, {}, header))).toBe(INVALID);
  });

  test("3.3: another key pair, also for a device without one and for an unknown device", async () => {
    for (const device of [(await enrolShared(openPath(fixture))).device, "nobody"]) {
      expect(await outcome(make(device, byKey(alg, stranger.privateKey), {}, { alg }))).toBe(INVALID);
    }
  });
});

describe("RFC 8725", () => {
  test.for([
    ["3.1: alg is none", headed({ alg: "none" }), "is unsigned. Sign it by HS256 with the customer_key"],
    ["3.1: alg is in another spelling", headed({ alg: "hs256" }), ALG],
    ["3.1: alg is missing", headed({ alg: undefined }), ALG],
    ["3.2: alg is of another kind", headed({ alg: "HS512" }), ALG],
    ["3.3: another token is inside", headed({ cty: "JWT" }), "holds another token. Leave cty out of its header"],
    ["3.6: it is compressed", headed({ zip: "DEF" }), "is compressed. Leave zip out of its header"],
    ["3.10: crit names what is not read", headed({ crit: ["exp"] }), "has the header crit. Leave it out"],
    ["3.11: typ is an access token's", headed({ typ: "at+jwt" }), "has an unknown typ. Leave it out or set JWT"],
  ] as const)("%s", ([, text, message]) => {
    expectMalformed(text, message);
  });

  test("3.4: a key of another kind, a point off the curve, a private key and other text are not enrolled", () => {
    const pemOf = (key: KeyObject): string => String(key.export({ format: "pem", type: "spki" }));
    const off = createPublicKey(KEYS.ES256.pem).export({ format: "der", type: "spki" });
    off.writeUInt8(off.readUInt8(90) ^ 1, 90);
    const kind = "public_key is of a kind that is not accepted. Use P-256 or Ed25519";
    const broken = "public_key is not a public key. Send PEM as openssl pkey -pubout prints it";
    const privatePem = String(KEYS.ES256.privateKey.export({ format: "pem", type: "pkcs8" }));
    for (const [publicKey, message] of [
      [pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey), kind],
      [pemOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey), kind],
      [off.toString("base64"), broken],
      ["a key", broken],
      ["A".repeat(600), broken],
      [privatePem, "public_key is a private key. Enrol only the public key"],
    ] as const) {
      const error = { message, details: { field: "public_key" } };
      expect(caughtError(() => readPublicKey(publicKey))).toMatchObject(error);
    }
  });

  test("3.5: a secret under 32 bytes signs no assertion, though a login by device_signature may use it", async () => {
    const path = openPath(fixture);
    const device = await path.enrol();
    expect(await path.outcomes(1, device)).toEqual(["admitted"]);
    expect(await outcome(make(device, byHmac(CUSTOMER_KEY)))).toBe(INVALID);
  });

  test("3.12: a token of this gateway is not an assertion", async () => {
    const path = openPath(fixture);
    const { token } = await path.login(await path.enrol());
    expectMalformed(token, ALG);
  });
});
