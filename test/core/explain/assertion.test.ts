// Explaining client assertions: mistakes in header, claims, time and signature.

import { sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { assertionClaims, byHmac, byKey, makeAssertion, makeBoardKey, type SignParts } from "../assertions.ts";
import {
  boardKey,
  DERIVED,
  type Expectation,
  expecting,
  explain,
  RIGHT,
  SECONDS,
  SECRETS,
  SHARED,
  signed,
  testFindings,
} from "./cases.ts";

const OWN = makeBoardKey("ES256");
const own = { device: { publicKey: OWN.pem.replace(/-----[A-Z ]+-----|\s/g, "") } };
const byOwn = byKey("ES256", OWN.privateKey);
const byRightKey = byHmac(SECRETS.login);

const withClaims = (claims: object): string => formOf(byRightKey, claims);

function formOf(signParts: SignParts, claims: object = {}, header: object = { alg: "HS256" }): string {
  const client_assertion = makeAssertion(signParts, assertionClaims(SHARED, SECONDS, claims), header);
  return String(new URLSearchParams({ grant_type: "client_credentials", client_assertion }));
}

describe("a valid assertion", () => {
  test.for([
    ["in a form", { body: formOf(byRightKey) }],
    ["alone", { body: makeAssertion(byRightKey, assertionClaims(SHARED, SECONDS)) }],
    ["by a key pair", { body: formOf(byOwn, {}, { alg: "ES256" }), ...own }],
    [
      "by a board's derived key",
      { deviceKey: DERIVED, body: makeAssertion(byHmac(boardKey(DERIVED)), assertionClaims(DERIVED, SECONDS)) },
    ],
  ] as const)("%s has nothing wrong", async ([, received]) => {
    const { wouldSucceed, findings } = await explain(received);
    expect([wouldSucceed, findings.map((one) => one.code)]).toEqual([true, ["nothing_wrong"]]);
    expect(findings.at(0)?.message).toContain("or its jti was used before");
  });
});

/** A mistake of a device with its own key pair. */
const expectingOwn = (mistake: string, body: string, code: string): Expectation => ({
  ...expecting(mistake, body, code),
  ...own,
});
const byOtherKey = (alg: "ES256" | "EdDSA") => byKey(alg, makeBoardKey(alg).privateKey);
const asn1: SignParts = (text) => sign("sha256", Buffer.from(text), OWN.privateKey);

const HOUR = SECONDS + 3_600;
const PAST = { iat: SECONDS - 500, exp: SECONDS - 440 };
const AHEAD = { nbf: SECONDS + 1_000, exp: SECONDS + 1_060 };
const unsigned = formOf(() => Buffer.alloc(0), {}, { alg: "none" });
const otherAlg = formOf(byOtherKey("EdDSA"), {}, { alg: "Ed25519" });

testFindings([
  expecting("another audience", withClaims({ aud: "https://other.example" }), "malformed", "signature_right"),
  expecting("no jti", withClaims({ jti: undefined }), "malformed", "signature_right"),
  expecting("a life of an hour", withClaims({ exp: HOUR }), "malformed", "signature_right"),
  expecting("a time that is an object", withClaims({ iat: { toString: 1 } }), "malformed", "signature_right"),
  expecting("a clock in 1970", withClaims({ iat: 0, exp: 60 }), "clock_never_set", "signature_right"),
  expecting("a clock that is behind", withClaims(PAST), "clock_behind", "signature_right"),
  expecting("an nbf that is ahead", withClaims(AHEAD), "clock_ahead", "signature_right"),
  expecting("another device", makeAssertion(byRightKey, assertionClaims("other", SECONDS)), "other_device_key"),
  expecting("no JWT at all", "client_assertion=x", "malformed", "no_public_key"),
  expecting("no signature", unsigned, "malformed", "no_public_key"),
  expecting("a retired key", formOf(byHmac(SECRETS.retired)), "key_too_short", "retired_key"),
  expecting("a short key", formOf(byHmac(SECRETS.older)), "key_too_short", "older_key"),
  expecting("the key decoded from hex", formOf(byHmac(Buffer.from(SECRETS.login, "hex"))), "key_decoded"),
  expecting("the key with its line break", formOf(byHmac(`${SECRETS.login}\n`)), "key_line_break"),
  expecting("an unknown key", formOf(byHmac("x")), "no_known_key"),
  expecting("a key pair that is not enrolled", formOf(byOwn, {}, { alg: "ES256" }), "no_public_key"),
  expectingOwn("the customer's key, though the device has a key pair", formOf(byRightKey), "own_key_pair"),
  expectingOwn("a signed login of a device with its own key pair", signed(RIGHT), "own_key_pair"),
  expectingOwn("another algorithm than the key pair's", otherAlg, "other_alg"),
  expectingOwn("another key pair", formOf(byOtherKey("ES256"), {}, { alg: "ES256" }), "other_key_pair"),
  expectingOwn("a signature as OpenSSL writes it", formOf(asn1, {}, { alg: "ES256" }), "signature_asn1"),
]);
