// Explaining client assertions: mistakes in header, claims, time and signature.

import { sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { assertionClaims, byHmac, byKey, makeAssertion, makeBoardKey, type SignParts } from "../assertions.ts";
import {
  boardKey,
  DERIVED,
  expectFindings,
  RIGHT,
  type Row,
  SECONDS,
  SECRETS,
  SHARED,
  signed,
  testFindings,
} from "./cases.ts";

const OWN = makeBoardKey("ES256");
const device = { publicKey: OWN.pem.replace(/-----[A-Z ]+-----|\s/g, "") };
const byOwn = byKey("ES256", OWN.privateKey);
const byRightKey = byHmac(SECRETS.login);
const byOtherKey = (alg: "ES256" | "EdDSA") => byKey(alg, makeBoardKey(alg).privateKey);
const asn1: SignParts = (text) => sign("sha256", Buffer.from(text), OWN.privateKey);

const bare = (signParts: SignParts, deviceKey = SHARED, claims: object = {}, alg = "HS256"): string =>
  makeAssertion(signParts, assertionClaims(deviceKey, SECONDS, claims), { alg });

function formOf(signParts: SignParts, alg = "HS256", claims: object = {}): string {
  const client_assertion = bare(signParts, SHARED, claims, alg);
  return String(new URLSearchParams({ grant_type: "client_credentials", client_assertion }));
}

const withClaims = (claims: object): string => formOf(byRightKey, "HS256", claims);
/** A mistake of a device with its own key pair. */
const expectingOwn = (mistake: string, body: string, code: string): Row => [mistake, { body, device }, code];

test.for([
  ["in a form", formOf(byRightKey)],
  ["alone", bare(byRightKey)],
  ["by a key pair", { body: formOf(byOwn, "ES256"), device }],
  ["by a board's derived key", { deviceKey: DERIVED, body: bare(byHmac(boardKey(DERIVED)), DERIVED) }],
] as const)("a valid assertion %s has nothing wrong", async ([, login]) => {
  const [finding] = await expectFindings(login, ["nothing_wrong"]);
  expect(finding?.message).toContain("or its jti was used before");
});

const HOUR = SECONDS + 3_600;
const PAST = { iat: SECONDS - 500, exp: SECONDS - 440 };
const AHEAD = { nbf: SECONDS + 1_000, exp: SECONDS + 1_060 };

describe("a mistake is named:", () => {
  testFindings([
    ["another audience", withClaims({ aud: "https://other.example" }), "malformed", "signature_right"],
    ["no jti", withClaims({ jti: undefined }), "malformed", "signature_right"],
    ["a life of an hour", withClaims({ exp: HOUR }), "malformed", "signature_right"],
    ["a time that is an object", withClaims({ iat: { toString: 1 } }), "malformed", "signature_right"],
    ["a clock in 1970", withClaims({ iat: 0, exp: 60 }), "clock_never_set", "signature_right"],
    ["a clock that is behind", withClaims(PAST), "clock_behind", "signature_right"],
    ["an nbf that is ahead", withClaims(AHEAD), "clock_ahead", "signature_right"],
    ["another device", bare(byRightKey, "other"), "other_device_key"],
    ["no JWT at all", "client_assertion=x", "malformed", "no_public_key"],
    ["no signature", formOf(() => Buffer.alloc(0), "none"), "malformed", "no_public_key"],
    ["a retired key", formOf(byHmac(SECRETS.retired)), "key_too_short", "retired_key"],
    ["a short key", formOf(byHmac(SECRETS.older)), "key_too_short", "older_key"],
    ["the key decoded from hex", formOf(byHmac(Buffer.from(SECRETS.login, "hex"))), "key_decoded"],
    ["the key with its line break", formOf(byHmac(`${SECRETS.login}\n`)), "key_line_break"],
    ["an unknown key", formOf(byHmac("x")), "no_known_key"],
    ["a key pair that is not enrolled", formOf(byOwn, "ES256"), "no_public_key"],
    expectingOwn("the customer's key, though the device has a key pair", formOf(byRightKey), "own_key_pair"),
    expectingOwn("a signed login of a device with its own key pair", signed(RIGHT), "own_key_pair"),
    expectingOwn("another algorithm than the key pair's", formOf(byOtherKey("EdDSA"), "Ed25519"), "other_alg"),
    expectingOwn("another key pair", formOf(byOtherKey("ES256"), "ES256"), "other_key_pair"),
    expectingOwn("a signature as OpenSSL writes it", formOf(asn1, "ES256"), "signature_asn1"),
  ]);
});
